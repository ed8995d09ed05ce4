"""The facts of Identity Center are the truth, whoever reads, whatever the pages look like and whatever is denied."""

import asyncio
from collections.abc import Iterator

import pytest

from grantwire.aws import AwsSettings, tallying
from grantwire.collectors.identity_center import coverage
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.resources import Kind
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.center import Center, center, scopes_of
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import exported, truth

FEW = DirectorySizes(6, 3, 6, 9)
MANY_SETS = DirectorySizes(6, 3, 20, 9)  # a few are asked at once, and a request may be repeated
HELD = (coverage.MANAGED, coverage.CUSTOMER, coverage.INLINE, coverage.BOUNDARY, coverage.TAGS)


def wanted(sandbox: Sandbox, *without: str) -> set[str]:
    """``realized_as`` is the projector's to derive."""
    return truth(sandbox, accounts=[], sources=("identity_center",), without=("realized_as", *without))


def found(readings: list[Reading]) -> set[str]:
    return exported(*(reading.facts() for reading in readings))


@pytest.fixture
def organized(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with start(1, users=4, groups=2, roles=4, accounts=4, calm=True, identity_center=True, directory=FEW) as sandbox:
        use(sandbox, monkeypatch)
        yield sandbox
        assert sandbox.violations() == []


LONG = pytest.mark.slow
OTHER_CASES = ((1, "delegated"), (2, "organization"), (3, "organization"))
CASES = [
    (1, "organization"),
    (2, "delegated"),
    (3, "delegated"),
    *(pytest.param(seed, who, marks=LONG) for seed, who in OTHER_CASES),
]


@pytest.mark.parametrize(("seed", "reader"), CASES)
async def test_every_scope_together_is_the_truth(seed: int, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mess = {"short": 0.6, "empty": 0.3}
    with start(seed, users=4, groups=2, roles=4, accounts=5, identity_center=True, **mess) as sandbox:  # type: ignore[arg-type]
        use(sandbox, monkeypatch)
        with center(sandbox, reader) as process:
            readings = await process.read_all()
        assert found(readings) == wanted(sandbox)
        assert [note for reading in readings for note in reading.unread] == []
        mentioned = {row.kind for reading in readings for row in reading.facts().mentions}
        assert Kind.EXTERNAL_PRINCIPAL in mentioned, "some principals are deleted"
        assert sandbox.violations() == []


async def test_a_status_that_aws_does_not_say_is_unknown(organized: Sandbox) -> None:
    organized.identity_center({"show_status": False})
    with center(organized) as process:
        reading = await process.read(scopes_of(organized)[1])
    assert {row.attributes["status"] for row in reading.facts().resources} == {"unknown"}


@pytest.mark.parametrize("reader", ["organization_minimum", "delegated_minimum"])
async def test_the_minimum_reads_all_but_what_sets_hold(organized: Sandbox, reader: str) -> None:
    with center(organized, reader) as process:
        readings = await process.read_all()
    partial = ("attached", "bounded_by", "inline_policy")
    assert found(readings) == wanted(organized, *HELD, *partial, "iam_policy")
    sets = readings[0]
    assert {note.what for note in sets.unread} == {*HELD, *partial}
    assert sets.covers == ["permission_set"]
    assert all("is not authorized to perform" in note.why for note in sets.unread)


async def test_an_optional_permission_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without = ("sso:ListTagsForResource", "sso:GetPermissionsBoundaryForPermissionSet", "identitystore:DescribeUser")
    sizes = {"users": 4, "groups": 2, "roles": 4, "accounts": 4}
    with start(2, **sizes, calm=True, identity_center=True, directory=MANY_SETS, without=without) as sandbox:  # type: ignore[arg-type]
        use(sandbox, monkeypatch)
        with center(sandbox) as process, tallying() as tally:
            readings = await process.read_all()
        lost = wanted(sandbox, coverage.TAGS, coverage.BOUNDARY, "bounded_by") ^ found(readings)
        assert all('"kind": "iam_policy"' in line for line in lost), "a policy that only a boundary names"
        assert {note.what for note in readings[0].unread} == {coverage.TAGS, coverage.BOUNDARY, "bounded_by"}
        assert set(readings[0].covers) == {"permission_set", "inline_policy", "attached"}
        assert tally.calls["sso:ListTagsForResource"] < MANY_SETS.permission_sets / 2, "denied once is denied for all"


@pytest.mark.parametrize("reader", ["organization", "organization_minimum"])
async def test_few_members_are_asked_one_by_one_where_it_is_allowed(
    reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"users": 4, "groups": 2, "roles": 4, "accounts": 2}
    with start(1, **sizes, calm=True, identity_center=True, directory=DirectorySizes(4, 8, 2, 1)) as sandbox:  # type: ignore[arg-type]
        use(sandbox, monkeypatch)
        with center(sandbox, reader) as process, tallying() as tally:
            readings = await process.read_all()
        assert readings[3].plan == ("by_member" if reader == "organization" else "by_group")
        members = [line for line in wanted(sandbox) if '"member_of"' in line]
        assert exported(readings[3].facts()) == set(members)
        assert tally.calls["identitystore:ListGroupMembershipsForMember"] >= 1


async def test_who_was_just_made_is_not_taken_for_deleted(organized: Sandbox) -> None:
    """The list of the run is older than the assignment: whoever it lacks is asked for."""
    with center(organized) as process:
        await process.read_all()
        process.runs += 1
        organized.fault({"kind": "empty", "operation": "ListUsers", "nth": 1})
        process.kept.scopes.clear()
        await process.read(scopes_of(organized)[1])  # nobody contradicts it: the run takes it for all there is
        readings = [await process.read(scope) for scope in scopes_of(organized)[4:]]
    wanted_lines = {line for line in wanted(organized) if '"assigned"' in line}
    told = {line for line in found(readings) if '"assigned"' in line}
    assert told == wanted_lines


PATIENT = AwsSettings(connect_timeout=10, read_timeout=20, attempts=1)  # a busy machine costs no further call
# What a first sync of an organization costs: one call for each page, group, provisioned pair and detail of a set.
ACCOUNTS, PAIRLESS, LARGE = 10, 1, DirectorySizes(500, 100, 20, 50)
USERS, GROUPS, MEMBERSHIPS, SETS = 5, 1, 1 + 100, 1 + 20 * 6
PAIRS = ACCOUNTS + (ACCOUNTS - PAIRLESS) + 50  # the sets, those that are behind, and who is assigned to each
MORE = 1 + 4 + 1 + 8  # the instance; further pages of the largest group and pair; a proof for each deleted principal


async def test_a_first_sync_costs_as_few_calls_as_there_are_things_to_ask_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"users": 4, "groups": 2, "roles": 4, "accounts": ACCOUNTS}
    with start(12, **sizes, calm=True, identity_center=True, directory=LARGE) as sandbox:  # type: ignore[arg-type]
        use(sandbox, monkeypatch)
        with center(sandbox, settings=PATIENT) as process:
            asked = await _calls(process)
        assert asked <= USERS + GROUPS + MEMBERSHIPS + SETS + PAIRS + MORE
        with capsys.disabled():
            print(f"\nIdentity Center of {ACCOUNTS} accounts: {asked} calls")


async def _calls(process: Center) -> int:
    """The calls of Identity Center in one run, whose scopes are read at the same time but for the directory."""
    scopes = scopes_of(process.sandbox)
    with tallying() as tally:
        await asyncio.gather(*(process.read(scope) for scope in scopes[:4]))
        await asyncio.gather(*(process.read(scope) for scope in scopes[4:]))
    return sum(count for name, count in tally.calls.items() if not name.startswith("sts:"))
