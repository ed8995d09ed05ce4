"""The organization as its reader sees it: whole, or an error."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from grantwire.aws import ORGANIZATION, AwsSession, Calls, Sessions, tallying
from grantwire.aws.iam.reader import IamReader
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import QUICK, admin, asked, connector, member, open_to, patience

Read = Callable[[OrganizationReader], Awaitable[Any]]
MESS = {"short": 0.6, "empty": 0.3}


@pytest.fixture
def reader(organization: Sandbox, calls: Calls) -> OrganizationReader:
    return OrganizationReader(Sessions(QUICK, calls, actions=ORGANIZATION).get(connector(organization), 1))


async def test_the_organization_and_its_root(reader: OrganizationReader, organization: Sandbox) -> None:
    found, roots, facts = await reader.organization(), await reader.roots(), organization.facts["organization"]
    assert (found.id, found.management_account) == (facts["id"], facts["management_account"])
    assert (found.arn, found.feature_set) == (
        f"arn:aws:organizations::{organization.account}:organization/{found.id}",
        "ALL",
    )
    assert [(root.id, root.name) for root in roots] == [(facts["root"], "Root")]


async def test_every_account_however_the_pages_are_cut(reader: OrganizationReader, organization: Sandbox) -> None:
    organization.control("POST", "mess", MESS)
    found = {each.id: each for each in await reader.accounts()}
    for row in organization.organization()["accounts"]:
        account = found.pop(row["id"])
        assert (account.name, account.email, account.state) == (row["name"], row["email"], row["state"])
        assert account.joined_method == row["joined_method"]
        assert account.joined_at == datetime.fromtimestamp(row["joined_at"], UTC)
    assert found == {}


async def test_pages_are_as_large_as_they_may_be(reader: OrganizationReader, organization: Sandbox) -> None:
    await reader.accounts()
    assert asked(organization)["organizations.ListAccounts"] == 2


async def test_the_tree_holds_every_unit_and_account(reader: OrganizationReader, organization: Sandbox) -> None:
    organization.control("POST", "mess", MESS)
    units: dict[str, tuple[str, str]] = {}
    accounts: dict[str, str] = {}
    waiting = [organization.facts["organization"]["root"]]
    while waiting:
        parent = waiting.pop()
        below = await reader.units(parent)
        units |= {unit.id: (unit.name, parent) for unit in below}
        accounts |= {each.id: parent for each in await reader.accounts_under(parent)}
        waiting += [unit.id for unit in below]
    truth = organization.organization()
    assert units == {row["id"]: (row["name"], row["parent"]) for row in truth["units"] if row["parent"]}
    assert accounts == {row["id"]: row["parent"] for row in truth["accounts"]}


async def test_who_administers_what(reader: OrganizationReader, organization: Sandbox) -> None:
    delegated = organization.facts["organization"]["delegated_administrator"]
    assert await reader.delegated_administrators() == (delegated,)
    assert set(await reader.delegated_services(delegated)) == {"sso.amazonaws.com", "access-analyzer.amazonaws.com"}
    with pytest.raises(AwsError, match="no longer a delegated administrator") as caught:
        await reader.delegated_services(member(organization))
    assert caught.value.cause is AwsCause.GONE


@pytest.mark.parametrize("shown", ["both", "state", "status", "none"])
async def test_the_state_is_what_aws_says_it_is(reader: OrganizationReader, organization: Sandbox, shown: str) -> None:
    organization.control("POST", "account-state", {"show": shown})
    organization.organization({"account": member(organization), "state": "CLOSED"})
    state = {each.id: each.state for each in await reader.accounts()}[member(organization)]
    assert state == {"both": "CLOSED", "state": "CLOSED", "status": "SUSPENDED", "none": None}[shown]


async def test_what_is_not_there_is_gone(reader: OrganizationReader) -> None:
    for read in (reader.units("ou-none-nowherexx"), reader.accounts_under("ou-none-nowherexx")):
        with pytest.raises(AwsError) as caught:
            await read
        assert caught.value.cause is AwsCause.GONE


READS: dict[str, Read] = {
    "DescribeOrganization": lambda reader: reader.organization(),
    "ListRoots": lambda reader: reader.roots(),
    "ListOrganizationalUnitsForParent": lambda reader: reader.units("r-tzr4"),
    "ListAccounts": lambda reader: reader.accounts(),
    "ListAccountsForParent": lambda reader: reader.accounts_under("r-tzr4"),
    "ListDelegatedAdministrators": lambda reader: reader.delegated_administrators(),
    "ListDelegatedServicesForAccount": lambda reader: reader.delegated_services("552743203029"),
}
BODIES = ["", " ", "{", '{"Accounts": [', '{"Accounts"', "[]", "{}", "null", "<html></html>"]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("operation", READS)
async def test_no_broken_reply_reads_as_an_answer(
    reader: OrganizationReader, organization: Sandbox, operation: str, body: str
) -> None:
    organization.fault({"kind": "garbage", "operation": operation, "body": body})
    with pytest.raises(AwsError) as caught:
        await READS[operation](reader)
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, f"organizations:{operation}")
    assert organization.control("GET", "faults")[0]["fired"] > 0


@pytest.mark.parametrize("kind", ["throttle", "error", "cut", "drop", "timeout"])
@pytest.mark.parametrize("operation", READS)
async def test_one_fault_is_gone_over_and_no_end_of_them_is_an_error(
    organization: Sandbox, calls: Calls, operation: str, kind: str
) -> None:
    sessions = Sessions(patience(kind), calls, actions=ORGANIZATION)
    reader = OrganizationReader(sessions.get(connector(organization), 1))
    whole = await READS[operation](reader)
    organization.fault({"kind": kind, "operation": operation, "times": 1})
    assert await READS[operation](reader) == whole
    organization.fault({"kind": kind, "operation": operation})
    with pytest.raises(AwsError) as caught:
        await READS[operation](reader)
    assert (caught.value.cause, caught.value.operation) == (AwsCause.TRANSIENT, f"organizations:{operation}")


async def test_a_page_that_leads_back_is_an_error(reader: OrganizationReader, organization: Sandbox) -> None:
    organization.fault({"kind": "repeat_token", "operation": "ListAccounts"})
    organization.control("POST", "mess", {"short": 1, "empty": 0})
    with pytest.raises(AwsError, match="leads back"):
        await reader.accounts()


async def test_calls_are_counted_by_the_names_of_their_actions(reader: OrganizationReader) -> None:
    with tallying() as tally:
        await reader.organization()
        await reader.accounts()
    assert tally.calls == {
        "organizations:DescribeOrganization": 1,
        "organizations:ListAccounts": 2,
        "sts:AssumeRole": 1,
    }


async def test_a_plain_member_is_told_who_may_ask(organization: Sandbox, calls: Calls) -> None:
    account = member(organization)
    admin(organization, account).attach_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    sessions = Sessions(QUICK, calls, actions=ORGANIZATION)
    reader = OrganizationReader(sessions.get(connector(organization), 1, account))
    assert (await reader.organization()).id == organization.facts["organization"]["id"]
    with pytest.raises(AwsError, match="management account and its delegated administrators may ask") as caught:
        await reader.accounts()
    assert (caught.value.cause, caught.value.account) == (AwsCause.DENIED, account)


async def test_a_member_account_has_its_aliases(organization: Sandbox, calls: Calls) -> None:
    sessions, aliases = Sessions(QUICK, calls), {}
    accounts = {row["id"]: tuple(row["aliases"]) for row in organization.organization()["accounts"]}
    for account in open_to(organization)[1:]:
        aliases[account] = await IamReader(sessions.get(connector(organization), 1, account)).account_aliases()
    assert aliases == {account: accounts[account] for account in aliases}
    assert () in aliases.values()
    assert len(set(aliases.values())) > 2


async def test_without_an_organization_it_is_said(organization: Sandbox, calls: Calls) -> None:
    organization.organization({"leave": organization.facts["organization"]["delegated_administrator"]})
    session: AwsSession = Sessions(QUICK, calls, actions=ORGANIZATION).get(connector(organization, "delegated"), 1)
    with pytest.raises(AwsError, match="belongs to no organization") as caught:
        await OrganizationReader(session).organization()
    assert caught.value.cause is AwsCause.FINAL
