"""What the fake can be told about its world, beyond what the contract shows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from grantwire.client import FakeGrantwire, FakeWorld, Pace, Ref, StillRunning
from grantwire.contracts.resources import Kind

ACCOUNT = "123456789012"
ANN = Ref(kind=Kind.IDENTITY_USER, native_id="90677a1c-8071-70f2-1c3a-5f2f4f0b9a11")
PAIR = Ref(
    kind=Kind.PROVISIONED_PERMISSION_SET,
    native_id=f"{ACCOUNT}/arn:aws:sso:::permissionSet/ssoins-7223b1c5d8e9f001/ps-0f1e2d3c4b5a6978",
)
SAID: dict[str, Any] = {"connector": "prod", "reason": "INC-7", "requester": "ann@example.com"}
QUICK = Pace(ask=0.05, idle=0.1)


async def test_in_a_suspended_account_a_grant_is_refused_and_a_revoke_parked_until_it_is_back() -> None:
    world = FakeWorld(held={(ANN, PAIR)}, suspended={ACCOUNT})
    async with FakeGrantwire(world, pace=QUICK) as gw:
        other = Ref(kind=Kind.IDENTITY_GROUP, native_id="90677a1c-8071-70f2-1c3a-000000000000")
        refused = await gw.grant(other, PAIR, **SAID)
        assert refused.state == "refused" and refused.reason is not None
        assert refused.reason.code == "account_inactive"
        with pytest.raises(StillRunning, match="'parked'") as caught:
            await gw.revoke(ANN, PAIR, id=(id := uuid4()), timeout=0.2, **SAID)
        assert caught.value.last is not None and caught.value.last.state == "parked"
        waiting = asyncio.create_task(gw.outcome(id))
        world.suspended.clear()
        world.resume()
        assert (await waiting).state == "revoked"
    assert world.held == set() and len(world.writes) == 1


async def test_time_is_what_the_test_says() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    world = FakeWorld(clock=lambda: now, away=True)
    async with FakeGrantwire(world, pace=QUICK) as gw:
        with pytest.raises(StillRunning, match="no provisioner has taken it yet"):
            await gw.grant(ANN, PAIR, id=(id := uuid4()), timeout=0.2, **SAID)
        now += timedelta(hours=2)
        world.resume()
        assert (await gw.outcome(id)).state == "expired", "a grant waits for an hour, unless it says otherwise"


async def test_a_fake_needs_no_world_of_its_own() -> None:
    async with FakeGrantwire() as gw:
        assert (await gw.grant(ANN, PAIR, **SAID)).state == "granted"
        assert (ANN, PAIR) in gw.world.held
