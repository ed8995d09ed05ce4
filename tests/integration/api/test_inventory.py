"""The inventory of secrets: every key with its owner, and no silence about keys that could not be read."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Outcome
from grantwire.telemetry import utc_now
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph import keys
from tests.integration.graph.keys import held, key, owns, reported, root_of, without_use
from tests.integration.graph.scenes import Bus, facts, organization_bus, organization_of, user

OTHER = "444455556666"
PATH = "/v1/inventory/secrets"
NOW = utc_now()
ALICE, BOB = user("alice", account=ACCOUNT, emails=["al@x.org"]), user("bob", account=OTHER)
TWIN = user("alice", "AIDAtwin", account=OTHER)


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_other() -> Facts:
    off, dark = key("AKIAOFF", OTHER, ago(200), ago(150), status="Inactive"), without_use("AKIADARK", OTHER, ago(300))
    return held(OTHER, off, dark, root_of(OTHER, mfa=True), by=(owns(BOB, off), owns(TWIN, dark)))


@pytest_asyncio.fixture
async def full(stage: Stage) -> AsyncIterator[Stage]:
    """Two accounts: an old key that is used, one never used, one inactive, one of unknown last use; and root users."""
    now = utc_now()
    await organization_bus(stage.graph).send(organization_of(ACCOUNT, OTHER), read_began_at=now)
    for account, users in ((ACCOUNT, [ALICE]), (OTHER, [BOB, TWIN])):
        await Bus(stage.graph, account=account).send(facts(users), read_began_at=now)
    old, idle = key("AKIAOLD", ACCOUNT, ago(400), ago(1), report_time=ago(0)), key("AKIAIDLE", ACCOUNT, ago(100))
    first = (old, idle, reported(ALICE, console=True, mfa=False), root_of(ACCOUNT, mfa=False))
    await keys.bus(stage.graph, ACCOUNT).send(
        held(ACCOUNT, *first, by=(owns(ALICE, old), owns(ALICE, idle))), read_began_at=now
    )
    await keys.bus(stage.graph, OTHER).send(of_other(), read_began_at=now)
    yield stage


async def ask(stage: Stage, **params: Any) -> dict[str, Any]:
    answer = await stage.http.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [secret["id"].removeprefix("AKIA") for secret in found["secrets"]]


async def test_the_oldest_key_is_first_with_all_that_is_known_of_it(full: Stage) -> None:
    found = await ask(full)
    assert ids(found) == ["OLD", "DARK", "OFF", "IDLE"] and found["next"] is None
    assert found["secrets"][0] == {
        "id": "AKIAOLD",
        "owner": ALICE.native_id,
        "owner_name": "alice",
        "account": ACCOUNT,
        "account_name": "team 1234",
        "status": "Active",
        "created_at": ago(400),
        "age_days": 400,
        "last_used_at": ago(1),
        "last_used_service": "s3",
        "last_used_region": "eu-west-1",
        "never_used": False,
        "report_time": ago(0),
        "console_access": True,
        "mfa_active": False,
        "is_root": False,
    }
    dark, idle = found["secrets"][1], found["secrets"][3]
    assert (dark["never_used"], idle["never_used"]) == (None, True), "what was not read is not `never`"
    assert (dark["console_access"], dark["mfa_active"]) == (None, None)
    assert found["state"] == "complete"
    assert [(each["account"], each["name"], each["state"]) for each in found["accounts"]] == [
        (ACCOUNT, "team 1234", "complete"),
        (OTHER, "team 4444", "complete"),
    ]
    assert [(root["account"], root["mfa_active"]) for root in found["roots"]] == [(ACCOUNT, False), (OTHER, True)]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"account": OTHER}, ["DARK", "OFF"]),
        ({"account": "Team 1234"}, ["OLD", "IDLE"]),
        ({"owner": "alice"}, ["OLD", "DARK", "IDLE"]),
        ({"owner": "al@x.org"}, ["OLD", "IDLE"]),
        ({"owner": BOB.native_id}, ["OFF"]),
        ({"owner": "alice", "account": OTHER}, ["DARK"]),
        ({"status": "inactive"}, ["OFF"]),
        ({"status": "Active"}, ["OLD", "DARK", "IDLE"]),
        ({"older_than": "150d"}, ["OLD", "DARK", "OFF"]),
        ({"unused_for": "90d"}, ["OFF", "IDLE"]),
        ({"unused_for": "12h", "status": "active"}, ["OLD", "IDLE"]),
        ({"never_used": "true"}, ["IDLE"]),
        ({"root": "true"}, []),
    ],
)
async def test_filters(full: Stage, params: dict[str, str], found: list[str]) -> None:
    assert ids(await ask(full, **params)) == found


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"older_than": "ninety days"}, 422, "older_than"),
        ({"unused_for": "-1d"}, 422, "unused_for"),
        ({"older_than": "999999w"}, 422, "older_than"),
        ({"status": "deleted"}, 422, "status"),
        ({"cursor": "nonsense"}, 422, "cursor"),
        ({"cursor": "WzEsMl0"}, 422, "cursor"),
        ({"limit": "0"}, 422, "limit"),
        ({"account": "999999999999"}, 404, "999999999999"),
        ({"owner": "nobody"}, 404, "nobody"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    full: Stage, params: dict[str, str], status: int, field: str
) -> None:
    answer = await full.http.get(PATH, params=params)
    assert (answer.status_code, field in answer.text) == (status, True)


async def test_pages_hold_every_key_once(stage: Stage) -> None:
    """Also keys of one moment, and of an age that nobody knows."""
    rows = [key(f"AKIA{n:03}", ACCOUNT, None if n < 3 else ago(n // 5)) for n in range(23)]
    await Bus(stage.graph, account=ACCOUNT).send(facts([ALICE]))
    await keys.bus(stage.graph, ACCOUNT).send(held(ACCOUNT, *rows, by=tuple(owns(ALICE, each) for each in rows)))
    whole = await ask(stage)
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(stage, limit=4, **cursor)
        assert ("accounts" in page) == (not cursor)
        paged += ids(page)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == ids(whole) and sorted(paged) == [f"{n:03}" for n in range(23)]
    assert paged[:3] == ["000", "001", "002"] and whole["secrets"][0]["age_days"] is None


async def test_an_account_whose_credentials_are_not_read_is_named(stage: Stage) -> None:
    await stage.add()
    await Bus(stage.graph, account=ACCOUNT).send(facts([ALICE]))
    found = await ask(stage)
    assert (found["secrets"], found["state"]) == ([], "partial")
    (account,) = found["accounts"]
    assert (account["account"], account["state"]) == (ACCOUNT, "not_read")
    assert account["reason"] == "The setting sync_secrets of connector 'prod' is off."


async def test_what_is_stale_says_why_and_keeps_what_was_known(full: Stage) -> None:
    bus = keys.bus(full.graph, OTHER)
    bus.sequence = 10
    await bus.fail(Outcome.STALE)
    found = await ask(full)
    assert (found["state"], len(found["secrets"])) == ("stale", 4)
    told = {each["account"]: (each["state"], each["reason"]) for each in found["accounts"]}
    assert told == {ACCOUNT: ("complete", None), OTHER: ("stale", "iam:ListUsers was denied.")}
    assert (await ask(full, account=ACCOUNT))["state"] == "complete", "only what was asked about counts"


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("access_key", "partial"),
        ("owns", "partial"),
        ("access_key.last_used_at", "partial"),
        ("iam_user.mfa_active", "complete"),
    ],
)
async def test_a_gap_among_the_keys_is_told(full: Stage, what: str, state: str) -> None:
    bus = keys.bus(full.graph, OTHER)
    bus.sequence = 10
    await bus.send(of_other(), unread={what: "iam:ListAccessKeys was denied."}, read_began_at=utc_now())
    found = await ask(full)
    assert found["state"] == state
    assert found["accounts"][1]["unread"] == [{"what": what, "why": "iam:ListAccessKeys was denied."}]


async def test_nothing_at_all_is_not_complete(stage: Stage) -> None:
    found = await ask(stage)
    assert (found["state"], found["secrets"], found["accounts"]) == ("unknown", [], [])
