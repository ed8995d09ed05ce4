"""Access keys and the credential report through every service: the export is the truth, and no fault removes a row."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support import following
from tests.support.house import House, house, use
from tests.support.matrix import nothing_vanished
from tests.support.nats import NatsServer
from tests.support.oracle import Verdict, judge
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "7", "--users", "6", "--groups", "2", "--roles", "5", "--credentials")
SOURCES = "organization,iam,credentials"
HOUR = 3_600
PASSING = ("throttle", "error", "cut", "drop", "garbage")  # each in an account of its own
CALLS = [
    "ListAccessKeys",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("GenerateCredentialReport", "GetCredentialReport", "ListUsers")
    ),
]


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, *SIZE) as running, pytest.MonkeyPatch.context() as patch:
        use(running, patch)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(aws: Sandbox, postgres_server: Server, template_url: str) -> AsyncIterator[House]:
    with NatsServer() as nats:
        async with (
            cloned(postgres_server, template_url) as database,
            house(database, nats.url, impatient=True) as found,
        ):
            yield found


@pytest_asyncio.fixture(loop_scope="module")
async def whole(aws: Sandbox, home: House) -> House:
    """Nothing is in the way, and what is known is the truth."""
    aws.heal()
    await _is_whole(aws, home)
    return home


async def _is_whole(aws: Sandbox, home: House) -> None:
    later(aws)
    view = await sync(aws, home)
    assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
    verdict = await judged(aws, home)
    assert verdict.equal, str(verdict)


def later(aws: Sandbox) -> None:
    """The next report is due, and every session is over."""
    aws.text("clock", "POST", {"advance": 4 * HOUR + 60})


async def sync(aws: Sandbox, home: House) -> Any:
    settings = {**aws.connector("organization"), "sync_secrets": True, "name": str(await _count(home))}
    await following.add(home.graph, settings, aws.organization, account=aws.account)
    return await following.sync(home.graph, "prod")


async def _count(home: House) -> int:
    """A new name each time makes new settings, with which every role is assumed anew."""
    async with home.graph.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM run"))


async def judged(aws: Sandbox, home: House) -> Verdict:
    return judge(wanted_lines(aws), await following.export(home.graph), ["access_key.report_time"])


def wanted_lines(aws: Sandbox) -> list[str]:
    return aws.text(f"truth?plan=bulk&reader=organization&sources={SOURCES}").splitlines()


def keys_of(lines: list[str], account: str) -> dict[str, tuple[str, str]]:
    """Of each user of the account with one key: its id and status."""
    rows = [json.loads(line) for line in lines]
    status = {row["native_id"]: row["attributes"]["status"] for row in rows if row["kind"] == "access_key"}
    owned: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "owns" and f":{account}:" in row["source"] and not row["source"].endswith("sandbox-admin"):
            owned.setdefault(row["source"].rpartition("/")[2], []).append(row["target"])
    return {name: (ids[0], status[ids[0]]) for name, ids in owned.items() if len(ids) == 1}


def something_moves(aws: Sandbox, lines: list[str], account: str) -> None:
    """A key is switched, so that the next report makes the collector ask for its owner's."""
    user, (key, status) = next(iter(keys_of(lines, account).items()))
    other = "Inactive" if status == "Active" else "Active"
    aws.admin(account=account).update_access_key(UserName=user, AccessKeyId=key, Status=other)


async def status(home: House, key: str) -> str | None:
    rows = [json.loads(line) for line in await following.export(home.graph)]
    return next((row["attributes"]["status"] for row in rows if row.get("native_id") == key), None)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_that_was_switched_off_since_the_report_is_never_on_again(aws: Sandbox, whole: House) -> None:
    account = aws.members[1]
    admin, known = aws.admin(account=account), keys_of(await following.export(whole.graph), account)
    user, key = next((name, id) for name, (id, status) in known.items() if status == "Active")
    later(aws)
    admin.create_access_key(UserName=user)  # the line moves: the user will be asked
    admin.generate_credential_report()
    admin.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    for _ in range(2):
        await sync(aws, whole)
        assert await status(whole, key) == "Inactive", "as the report says it was, but no longer is"
    later(aws)
    await sync(aws, whole)
    assert await status(whole, key) == "Inactive"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_new_report_that_says_the_same_is_told_of_one_key_of_an_account(aws: Sandbox, whole: House) -> None:
    await following.drained(whole.graph)
    heard = len(await following.changes(whole.nats_url))
    later(aws)
    await sync(aws, whole)
    await following.drained(whole.graph)
    news = [change for change in await following.changes(whole.nats_url, after=heard) if change["kind"] == "access_key"]
    assert {tuple(change["fields"]) for change in news} == {("report_time",)}
    assert len({change["account"] for change in news}) == len(news), "not of every key"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("call", CALLS)
async def test_a_fault_makes_the_scope_stale_and_removes_nothing(aws: Sandbox, whole: House, call: str) -> None:
    accounts = aws.members[1 : len(PASSING) + 2]
    before = await following.export(whole.graph)
    for account in accounts:
        something_moves(aws, before, account)
    later(aws)
    faults = [{"kind": kind, "service": "iam", "operation": call} for kind in PASSING]
    aws.fault(*(fault | {"account": account} for fault, account in zip(faults, accounts, strict=False)))
    await following.drained(whole.graph)
    heard = len(await following.changes(whole.nats_url))
    await sync(aws, whole)
    await following.drained(whole.graph)
    assert all(rule["fired"] for rule in aws.get("faults"))
    nothing_vanished(before, await following.export(whole.graph), await following.changes(whole.nats_url, after=heard))
    scopes = await following.scopes(whole.graph)
    for kind, account in zip(PASSING, accounts, strict=False):
        scope = scopes[f"credentials/{account}"]
        assert (kind, scope.state) == (kind, "stale"), scope
        assert f"iam:{call}" in scope.reason.text
    assert scopes[f"credentials/{accounts[-1]}"].state == "complete", "one bad account stops nothing else"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("call", CALLS)
async def test_a_denied_call_is_a_named_gap_and_removes_nothing(aws: Sandbox, whole: House, call: str) -> None:
    account = aws.members[1]
    before = await following.export(whole.graph)
    something_moves(aws, before, account)
    later(aws)
    aws.fault({"kind": "deny", "service": "iam", "operation": call, "account": account})
    await sync(aws, whole)
    assert aws.fired() > 0
    nothing_vanished(before, await following.export(whole.graph), [])
    scope = (await following.scopes(whole.graph))[f"credentials/{account}"]
    assert any(f"iam:{call}" in note["why"] for note in scope.unread), scope


@pytest.mark.asyncio(loop_scope="module")
async def test_defect_three_users_of_the_console_alone_keep_their_last_sign_in(aws: Sandbox, whole: House) -> None:
    """The tool this is measured against tells the oldest use of a key, and nothing of users without one."""
    rows = [json.loads(line) for line in await following.export(whole.graph)]
    owners = {row["source"] for row in rows if row["kind"] == "owns"}
    wanted = {row["native_id"]: row["attributes"] for row in map(json.loads, wanted_lines(aws)) if "native_id" in row}
    alone = [
        row
        for row in rows
        if row["kind"] == "iam_user" and row["native_id"] not in owners and row["attributes"]["console_access"]
    ]
    signed_in = [row for row in alone if row["attributes"]["password_last_used"] is not None]
    assert signed_in, "there is one to speak of"
    for row in alone:
        assert row["attributes"]["password_last_used"] == wanted[row["native_id"]]["password_last_used"]
    used = [row for row in rows if row["kind"] == "access_key" and row["attributes"]["last_used_at"] is not None]
    assert {row["native_id"]: row["attributes"]["last_used_at"] for row in used} == {
        id: said["last_used_at"] for id, said in wanted.items() if said.get("last_used_at") and "report_time" in said
    }


@pytest.mark.asyncio(loop_scope="module")
async def test_keys_that_vanish_from_an_empty_list_are_not_believed(aws: Sandbox, whole: House) -> None:
    account = aws.members[1]
    before = await following.export(whole.graph)
    something_moves(aws, before, account)
    later(aws)
    aws.fault({"kind": "empty", "service": "iam", "operation": "ListAccessKeys", "account": account})
    await sync(aws, whole)
    assert aws.fired() > 0
    nothing_vanished(before, await following.export(whole.graph), [])
    scope = (await following.scopes(whole.graph))[f"credentials/{account}"]
    assert (scope.state, scope.reason.code) == ("stale", "inconsistent")
