"""Removals that wait, as HTTP shows and decides them."""

from typing import Any
from urllib.parse import quote

import pytest

from grantwire.graph import runs
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph.scenes import Bus, facts, group, member, user

SCOPE = f"iam/{ACCOUNT}"
USERS = [user(f"u{n:02}", account=ACCOUNT) for n in range(30)]
ADMINS = group("admins", account=ACCOUNT)


async def lost(stage: Stage, left: int) -> Bus:
    """A connector whose account had thirty users, one of them in a group; the last reading shows ``left``."""
    await stage.add()
    bus = Bus(stage.graph, account=ACCOUNT)
    await bus.send(facts([*USERS, ADMINS], [member(ADMINS, USERS[0])]))
    await bus.send(facts([*USERS[30 - left :], ADMINS]))
    return bus


async def listed(stage: Stage, **params: Any) -> Any:
    return (await stage.http.get("/v1/removals", params=params)).json()["removals"]


async def test_what_waits_is_listed_and_named_when_asked(stage: Stage) -> None:
    assert await listed(stage) == []
    await lost(stage, 0)
    (held,) = await listed(stage)
    assert (held["scope"], held["connector"], held["rows"], held["confirmed"]) == (SCOPE, "prod", 31, False)
    assert held["losses"] == {"iam_user": {"before": 30, "lost": 30}}
    assert "ids" not in held
    (named,) = await listed(stage, ids=True)
    assert named["ids"][0] == {"kind": "iam_user", "native_id": USERS[0].native_id}
    assert named["ids"][-1] == {"kind": "member_of", "source": USERS[0].native_id, "target": ADMINS.native_id}


@pytest.mark.parametrize("scope", [SCOPE, quote(SCOPE, safe="")])
async def test_a_confirmation_asks_for_the_run_that_removes(stage: Stage, scope: str) -> None:
    bus = await lost(stage, 0)
    (held,) = await listed(stage)
    answer = await stage.http.post(f"/v1/removals/{scope}/confirm", json={"fingerprint": held["fingerprint"]})
    assert (answer.status_code, answer.json()["scope"]) == (202, SCOPE)
    assert (await stage.http.get(answer.json()["href"])).json()["full"] is True
    assert (await listed(stage))[0]["confirmed"] is True
    assert (await bus.send(facts([ADMINS]), run=answer.json()["run"])).removed == 31
    assert await listed(stage) == []


async def test_a_set_that_changed_meanwhile_is_a_conflict(stage: Stage) -> None:
    bus = await lost(stage, 0)
    (shown,) = await listed(stage)
    await bus.send(facts([USERS[0], ADMINS]))
    before = len(await runs.pending(stage.graph))
    answer = await stage.http.post(f"/v1/removals/{SCOPE}/confirm", json={"fingerprint": shown["fingerprint"]})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:grantwire:problem:conflict")
    assert "29 of 30 iam_user" in answer.json()["detail"]
    assert len(await runs.pending(stage.graph)) == before


async def test_a_rejection_says_what_it_keeps(stage: Stage) -> None:
    await lost(stage, 0)
    answer = await stage.http.post(f"/v1/removals/{SCOPE}/reject")
    assert (answer.status_code, answer.json()["reason"]["code"]) == (200, "rejected")
    assert await listed(stage) == []
    status = (await stage.http.get("/v1/status")).json()
    assert status["state"] == "stale"
    assert "31 removals were rejected" in status["scopes"][0]["reason"]["text"]


async def test_where_nothing_waits_and_what_is_no_fingerprint(stage: Stage) -> None:
    await stage.add()
    nothing = {"fingerprint": "00000000-0000-0000-0000-000000000000"}
    assert (await stage.http.post(f"/v1/removals/{SCOPE}/confirm", json=nothing)).status_code == 404
    assert (await stage.http.post(f"/v1/removals/{SCOPE}/reject")).status_code == 404
    assert (await stage.http.post("/v1/removals/nonsense/reject")).status_code == 404
    assert (await stage.http.post(f"/v1/removals/{SCOPE}/confirm", json={"fingerprint": "x"})).status_code == 422
    assert (await stage.http.post(f"/v1/removals/{SCOPE}/confirm")).status_code == 422
