"""Identity Center as its reader sees it: whole, however the pages are cut, or an error."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from grantwire.aws import IDENTITY_CENTER, Calls, Sessions, tallying
from grantwire.aws.identity_center.directory import DirectoryReader
from grantwire.aws.identity_center.reader import PermissionSetReader
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.aws.entering import QUICK, connector
from tests.integration.collectors.center import instance_of
from tests.integration.collectors.conftest import use

HOME = "eu-central-1"
SIZES = DirectorySizes(130, 4, 6, 8)
MESS = {"short": 0.6, "empty": 0.3}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sizes = {"users": 4, "groups": 2, "roles": 4, "accounts": 4}
    with start(3, **sizes, calm=True, identity_center=True, identity_center_region=HOME, directory=SIZES) as sandbox:  # type: ignore[arg-type]
        yield sandbox


@pytest.fixture
def organized(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Away from the region where everything else is."""
    running.control("POST", "reset")
    use(running, monkeypatch)
    yield running
    assert running.violations() == []


class Readers:
    def __init__(self, sandbox: Sandbox, calls: Calls, center: IdentityCenter) -> None:
        session = Sessions(QUICK, calls, actions=IDENTITY_CENTER).get(connector(sandbox), 1)
        self.directory = DirectoryReader(session, center)
        self.sets = PermissionSetReader(session, center)
        self.rows = sandbox.identity_center()

    def first(self, kind: str, name: str) -> str:
        return str(self.rows[kind][0][name])


@pytest.fixture
def readers(organized: Sandbox, calls: Calls) -> Readers:
    return Readers(organized, calls, instance_of(organized))


async def test_every_row_however_the_pages_are_cut(readers: Readers, organized: Sandbox) -> None:
    organized.control("POST", "mess", MESS)
    rows, directory, sets = readers.rows, readers.directory, readers.sets
    assert {each.id for each in await directory.users()} == {row["id"] for row in rows["Person"]}
    groups = await directory.groups()
    assert {each.id for each in groups} == {row["id"] for row in rows["Team"]}
    members = [row.id for each in groups for row in await directory.members(each.id)]
    assert sorted(members) == sorted(row["id"] for row in rows["Placement"])
    assert set(await sets.permission_sets()) == {row["arn"] for row in rows["PermissionSet"]}
    pair = rows["Provisioned"][0]
    assigned = await sets.assignments(pair["account"], pair["permission_set"])
    assert {row.principal for row in assigned} == {
        row["principal"]
        for row in rows["Assignment"]
        if (row["account"], row["permission_set"]) == (pair["account"], pair["permission_set"])
    }


async def test_pages_are_as_large_as_they_may_be(readers: Readers) -> None:
    with tallying() as tally:
        await readers.directory.users()
        pair = readers.rows["Provisioned"][0]
        assert len(await readers.sets.assignments(pair["account"], pair["permission_set"])) > 100
    assert tally.calls == {"identitystore:ListUsers": 2, "sso:ListAccountAssignments": 2, "sts:AssumeRole": 1}


async def test_both_directions_agree(readers: Readers) -> None:
    place = readers.rows["Placement"][0]
    assert place["team"] in {row.group for row in await readers.directory.memberships_of(place["person"])}
    pair = readers.rows["Provisioned"][0]
    assert pair["account"] in await readers.sets.accounts_of(pair["permission_set"])
    row = readers.rows["Assignment"][0]
    there = await readers.sets.assignments_of(row["principal_type"], row["principal"], row["account"])
    assert row["permission_set"] in there


async def test_what_is_not_there_is_gone_or_said_not_to_exist(readers: Readers) -> None:
    assert await readers.directory.exists("USER", readers.first("Person", "id"))
    assert not await readers.directory.exists("USER", NOBODY)
    assert not await readers.directory.exists("GROUP", NOBODY)
    nowhere = readers.first("PermissionSet", "arn").rpartition("/")[0] + "/ps-0000000000000000"
    asked = (readers.directory.members(NOBODY), readers.directory.memberships_of(NOBODY))
    for read in (*asked, readers.sets.permission_set(nowhere), readers.sets.managed_policies(nowhere)):
        with pytest.raises(AwsError) as caught:
            await read
        assert caught.value.cause is AwsCause.GONE


async def test_the_wrong_directory_is_not_read(readers: Readers, organized: Sandbox, calls: Calls) -> None:
    other = instance_of(organized).model_copy(update={"identity_store": "d-0000000000"})
    with pytest.raises(AwsError) as caught:
        await Readers(organized, calls, other).directory.users()
    assert caught.value.cause is AwsCause.GONE


Read = Callable[[Readers], Awaitable[Any]]
READS: dict[str, Read] = {
    "ListUsers": lambda readers: readers.directory.users(),
    "ListGroupMemberships": lambda readers: readers.directory.members(readers.first("Team", "id")),
    "DescribeUser": lambda readers: readers.directory.exists("USER", readers.first("Person", "id")),
    "ListPermissionSets": lambda readers: readers.sets.permission_sets(),
    "DescribePermissionSet": lambda readers: readers.sets.permission_set(readers.first("PermissionSet", "arn")),
    "GetInlinePolicyForPermissionSet": lambda readers: readers.sets.inline_policy(
        readers.first("PermissionSet", "arn")
    ),
}


@pytest.mark.parametrize("body", ["", "{}", '{"Users": [', "<html></html>"])
@pytest.mark.parametrize("operation", READS)
async def test_no_broken_reply_reads_as_an_answer(
    readers: Readers, organized: Sandbox, operation: str, body: str
) -> None:
    organized.fault({"kind": "garbage", "operation": operation, "body": body})
    with pytest.raises(AwsError) as caught:
        await READS[operation](readers)
    assert (caught.value.cause, caught.value.operation.partition(":")[2]) == (AwsCause.TRANSIENT, operation)
