"""The facts of an organization and of its accounts are the truth, whoever reads and whatever the pages look like."""

import pytest

from grantwire.aws import tallying
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Facts
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import (
    collectors,
    connector,
    exported,
    iam_job,
    id_of,
    members,
    organization_job,
    read_member,
    read_organization,
    truth,
)

READERS = ("organization", "organization_minimum", "delegated", "delegated_minimum")


def parts(name: str) -> tuple[str, str]:
    """Who reads, and by which plan."""
    reader, _, plan = name.partition("_")
    return reader, plan or "bulk"


async def read_all(sandbox: Sandbox, name: str) -> tuple[list[Facts], dict[str, AwsError]]:
    """The facts of every scope that could be read, and why the others could not."""
    settings, refused = connector(sandbox, name), dict[str, AwsError]()
    with collectors() as process:
        whole = await process.organization.read(settings, organization_job(settings, id_of(sandbox)))
        found = [whole.facts()]
        process.fleet.accounts = members(found[0])
        for account in sorted(process.fleet.accounts):
            try:
                reading = await process.iam.read(settings, iam_job(account, id_of(sandbox)))
            except AwsError as error:
                refused[account] = error
            else:
                assert (reading.account, reading.plan) == (account, parts(name)[1])
                assert sorted(note.what for note in reading.unread) == sandbox.unread(reading.plan)
                found.append(reading.facts())
    return found, refused


@pytest.mark.parametrize("name", READERS)
async def test_every_scope_together_is_the_truth(organization: Sandbox, name: str) -> None:
    reader, plan = parts(name)
    found, refused = await read_all(organization, name)
    wanted = truth(organization, plan, reader=reader)
    assert exported(*found) - wanted == set()
    assert wanted - exported(*found) == set()
    assert refused.keys() == organization.unreachable(reader).keys()
    for error in refused.values():
        assert (error.cause, error.operation) == (AwsCause.DENIED, "sts:AssumeRole")


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
async def test_in_another_partition_too(partition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(2, users=8, groups=3, roles=20, accounts=8, partition=partition) as sandbox:
        use(sandbox, monkeypatch)
        found, _ = await read_all(sandbox, "delegated")
        assert exported(*found) ^ truth(sandbox, reader="delegated") == set()


@pytest.mark.parametrize("shown", ["both", "state", "status", "none"])
async def test_the_state_is_what_aws_says_of_it(organization: Sandbox, shown: str) -> None:
    organization.control("POST", "account-state", {"show": shown})
    reading = await read_organization(organization)
    assert exported(reading.facts()) == truth(organization, "minimum", accounts=[])


async def test_whoever_moves_is_where_it_is_now(organization: Sandbox) -> None:
    shown = organization.organization()
    mover, home = shown["accounts"][-1]["id"], shown["units"][-1]["id"]
    organization.organization({"move": [mover, home]})
    assert exported((await read_organization(organization)).facts()) == truth(organization, "minimum", accounts=[])


async def test_the_organization_costs_at_most_29_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long they take is held to its bound by `make bench`, on a machine that does nothing else."""
    with start(1, users=2, groups=1, roles=10, accounts=10) as sandbox:
        use(sandbox, monkeypatch)
        with tallying() as tally:
            await read_organization(sandbox)
    assert sum(tally.calls.values()) == 28
    assert tally.calls["organizations:ListAccountsForParent"] == 11


async def test_a_member_account_costs_five_calls(organization: Sandbox) -> None:
    organization.control("POST", "mess", {"short": 0, "empty": 0})
    delegated = organization.facts["organization"]["delegated_administrator"]
    with collectors() as process:
        await read_member(process, organization, id_of_manager(organization))
        with tallying() as first:
            await read_member(process, organization, delegated)
        with tallying() as second:
            await read_member(process, organization, delegated)
    lists = dict.fromkeys(
        ("iam:GetAccountAuthorizationDetails", "iam:ListAccountAliases", "iam:ListRoles", "iam:ListUsers"), 1
    )
    assert first.calls == lists | {"sts:AssumeRole": 1}
    assert second.calls == lists


def id_of_manager(sandbox: Sandbox) -> str:
    return str(sandbox.facts["organization"]["management_account"])
