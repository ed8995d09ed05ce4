"""The IAM of a member account: its way in, its aliases, its neighbours; and every fault on its own calls."""

import json

import pytest

from grantwire.aws import AwsSettings, tallying
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import (
    QUICK,
    Collectors,
    collectors,
    connector,
    exported,
    iam_job,
    id_of,
    patience,
    read_member,
    truth,
)

ALIASES = "ListAccountAliases"
CALLS = [("sts", "AssumeRole"), ("iam", "GetAccountAuthorizationDetails"), ("iam", "ListUsers"), ("iam", "ListRoles")]
PASSING = ("throttle", "error", "timeout", "cut", "drop", "garbage")


@pytest.fixture
def member(organization: Sandbox) -> str:
    """A member that the management account can enter."""
    return str(organization.facts["organization"]["delegated_administrator"])


def fault(sandbox: Sandbox, kind: str, call: tuple[str, str], **options: object) -> None:
    sandbox.fault({"kind": kind, "service": call[0], "operation": call[1], **options})


def fired(sandbox: Sandbox) -> int:
    return sum(rule["fired"] for rule in sandbox.control("GET", "faults"))


def inside(sandbox: Sandbox) -> frozenset[str]:
    return frozenset(each["id"] for each in sandbox.organization()["accounts"])


async def read(sandbox: Sandbox, account: str, name: str = "organization", aws: AwsSettings = QUICK) -> Reading:
    """One reading of one account in a fresh process's state."""
    with collectors(aws) as process:
        process.fleet.accounts = inside(sandbox)
        return await read_member(process, sandbox, account, name)


def is_whole(sandbox: Sandbox, account: str, reading: Reading, plan: str = "bulk") -> bool:
    """All that the account's IAM says: the organization's own lines and mentions left aside."""
    return _iam(exported(reading.facts())) == _iam(truth(sandbox, plan, accounts=[account]))


def _iam(lines: set[str]) -> set[str]:
    apart = ("account", "organization", "organizational_unit")
    rows = {line: json.loads(line) for line in lines}
    return {line for line, row in rows.items() if row["kind"] not in apart and row.get("target_kind") not in apart}


@pytest.mark.parametrize("call", [*CALLS, ("iam", ALIASES)])
@pytest.mark.parametrize("kind", PASSING)
async def test_what_may_pass_is_transient_and_names_call_and_account(
    organization: Sandbox, member: str, kind: str, call: tuple[str, str]
) -> None:
    fault(organization, kind, call, account=member)
    with pytest.raises(AwsError) as caught:
        await read(organization, member, aws=patience(kind))
    assert fired(organization) > 1, "it was asked again before giving up"
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, ":".join(call))
    assert caught.value.account == member


@pytest.mark.parametrize("call", [*CALLS, ("iam", ALIASES)])
@pytest.mark.parametrize("kind", PASSING)
async def test_a_fault_that_passes_costs_a_retry_and_nothing_else(
    organization: Sandbox, member: str, kind: str, call: tuple[str, str]
) -> None:
    fault(organization, kind, call, account=member, times=1)
    reading = await read(organization, member, aws=patience(kind))
    assert fired(organization) == 1
    assert is_whole(organization, member, reading)


async def test_denied_aliases_are_unread_and_the_rest_is_whole(organization: Sandbox, member: str) -> None:
    fault(organization, "deny", ("iam", ALIASES))
    reading = await read(organization, member)
    assert "facet" not in reading.covers
    assert f"iam:{ALIASES}" in {note.what: note.why for note in reading.unread}["account.aliases"]
    assert not [row for row in reading.facts().resources if row.kind is Kind.FACET]
    assert is_whole(organization, member, reading)


async def test_a_child_role_that_does_not_let_us_in_is_named(organization: Sandbox) -> None:
    for account in organization.unreachable():
        with pytest.raises(AwsError) as caught:
            await read(organization, account)
        role = connector(organization, "organization").child_role(account).arn
        assert (caught.value.cause, caught.value.operation) == (AwsCause.DENIED, "sts:AssumeRole")
        assert role in str(caught.value)


async def test_the_minimum_of_a_member_says_no_alias(organization: Sandbox, member: str) -> None:
    reading = await read(organization, member, "organization_minimum")
    assert reading.plan == "minimum"
    assert sorted(note.what for note in reading.unread) == organization.unread("minimum")
    assert is_whole(organization, member, reading, "minimum")


async def test_who_leaves_the_organization_is_external_again(organization: Sandbox, member: str) -> None:
    leaver = neighbour_of(organization, member)
    before = kinds_of(leaver, await read(organization, member))
    organization.organization({"leave": leaver})
    reading = await read(organization, member)
    assert {Kind.IAM_USER, Kind.IAM_ROLE, Kind.ACCOUNT} <= before
    assert kinds_of(leaver, reading) == {Kind.EXTERNAL_PRINCIPAL}


def neighbour_of(sandbox: Sandbox, account: str) -> str:
    """The account that the planted trust policies of an account name."""
    accounts = [sandbox.account, *sandbox.facts["organization"]["member_accounts"]]
    return str(accounts[(accounts.index(account) + 1) % len(accounts)])


def kinds_of(account: str, reading: Reading) -> set[Kind]:
    """What those of the account are that roles trust, sessions left aside."""
    trusted = [row for row in reading.facts().relations if row.kind is RelationKind.CAN_ASSUME]
    return {row.source_kind for row in trusted if account in row.source and ":sts:" not in row.source}


async def test_an_organization_that_is_known_changes_nothing_without_one_in_the_job(
    organization: Sandbox,
) -> None:
    settings = connector(organization, "bulk")
    with collectors() as process:
        process.fleet.accounts = inside(organization)
        reading = await process.iam.read(settings, iam_job(organization.account))
    assert "facet" not in reading.covers
    assert "account.aliases" not in {note.what for note in reading.unread}
    sources = {row.source_kind for row in reading.facts().relations if organization.account not in row.source}
    assert not sources & {Kind.IAM_ROLE, Kind.IAM_USER, Kind.ACCOUNT}


async def test_a_child_role_is_assumed_anew_when_aws_no_longer_takes_its_credentials(
    organization: Sandbox, member: str
) -> None:
    organization.control("POST", "mess", {"short": 0, "empty": 0})
    with collectors() as process:
        await read_member(process, organization, member)
        organization.control("POST", "clock", {"advance": 4_000})
        with tallying() as tally:
            await read_member(process, organization, member)
    assert tally.calls["sts:AssumeRole"] == 3, "the connector role's credentials have ended too"
    assert tally.calls["iam:GetAccountAuthorizationDetails"] == 2


async def test_ambient_credentials_read_their_own_account_of_an_organization(
    organization: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(organization, monkeypatch, "admin_credentials")
    settings = connector(organization, "organization", role_arn=None, external_id=None)
    with collectors() as process, tallying() as tally:
        process.fleet.accounts = inside(organization)
        reading = await process.iam.read(settings, iam_job(organization.account, id_of(organization)))
    assert (reading.account, reading.plan) == (organization.account, "bulk")
    assert "sts:AssumeRole" not in tally.calls
    assert is_whole(organization, organization.account, reading)


async def test_the_same_account_is_never_read_for_another(organization: Sandbox, member: str) -> None:
    settings = connector(organization, "organization", organizations=False)
    with collectors() as process, pytest.raises(AwsError) as caught:
        await _read_as(process, settings.model_copy(), member)
    assert caught.value.code == "WrongAccount"


async def _read_as(process: Collectors, settings: Connector, account: str) -> Reading:
    return await process.iam.read(settings, iam_job(account))
