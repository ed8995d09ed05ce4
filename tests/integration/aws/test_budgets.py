"""Every request takes a slot before it leaves, and AWS's word that they were too many is passed on."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from grantwire.aws import ORGANIZATION, AwsSettings, Budgets, Calls, Sessions, tallying
from grantwire.aws.iam.reader import IamReader
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.contracts.failures import AwsCause, AwsError, Transient
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import HASTY, QUICK, asked_by, connector, everybody, member, open_to
from tests.support.eventually import eventually

PATIENT = replace(QUICK, attempts=4)


class Counting:
    """Slots for everybody, as they are opened by the test, counted."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()
        self.closed: dict[str, tuple[int, asyncio.Event]] = {}
        self.broken = False

    async def ready(self, key: str) -> None:
        if self.broken:
            raise Transient("the budgets are elsewhere")
        after, opened = self.closed.get(key, (0, None))
        if opened and self.taken[key] >= after:
            self.waiting[key] += 1
            await opened.wait()
        self.taken[key] += 1

    def close(self, key: str, after: int = 0) -> asyncio.Event:
        """After so many slots the next ones wait for this event."""
        self.closed[key] = after, asyncio.Event()
        return self.closed[key][1]

    def slowed(self, key: str) -> None:
        self.throttled[key] += 1


@pytest.fixture
def budgets() -> Counting:
    return Counting()


def reader(
    sandbox: Sandbox, calls: Calls, budgets: Budgets, account: str, settings: AwsSettings = PATIENT
) -> IamReader:
    return IamReader(Sessions(settings, calls, budgets).get(connector(sandbox), 1, account))


def sent(sandbox: Sandbox, service: str) -> dict[str, int]:
    """Requests of a service by the account that asked."""
    by = {
        account: sum(count for name, count in counts.items() if name.startswith(f"{service}."))
        for account, counts in asked_by(sandbox).items()
    }
    return {account: count for account, count in by.items() if count}


async def test_each_account_has_its_own_slots_and_entering_needs_none(
    organization: Sandbox, calls: Calls, budgets: Counting
) -> None:
    accounts = open_to(organization)[:4]
    sessions = Sessions(PATIENT, calls, budgets)
    for account in accounts:
        await IamReader(sessions.get(connector(organization), 1, account)).account_details()
    assert budgets.taken == {f"iam/{account}": 1 for account in accounts}


async def test_the_organization_is_asked_at_its_readers_cost(
    organization: Sandbox, calls: Calls, budgets: Counting
) -> None:
    session = Sessions(PATIENT, calls, budgets, actions=ORGANIZATION).get(connector(organization, "delegated"), 1)
    await OrganizationReader(session).accounts()
    delegated = organization.facts["organization"]["delegated_administrator"]
    assert budgets.taken == {f"organizations/{delegated}": 2}


@pytest.mark.parametrize(
    ("fault", "throttled"), [("throttle", 2), ("error", 0), ("drop", 0), ("cut", 0), ("timeout", 0)]
)
async def test_retries_take_slots_too(
    organization: Sandbox, calls: Calls, budgets: Counting, fault: str, throttled: int
) -> None:
    account = member(organization)
    organization.fault({"kind": fault, "service": "iam", "times": 2})
    settings = replace(HASTY, attempts=4) if fault == "timeout" else PATIENT
    assert await reader(organization, calls, budgets, account, settings).users()
    assert budgets.taken == {f"iam/{account}": 3} == {f"iam/{key}": n for key, n in sent(organization, "iam").items()}
    assert budgets.throttled[f"iam/{account}"] == throttled


@pytest.mark.parametrize("spoilt", [1, 2])
async def test_a_reply_that_is_refused_is_asked_again_for_another_slot(
    organization: Sandbox, calls: Calls, budgets: Counting, spoilt: int
) -> None:
    account = member(organization)
    organization.fault({"kind": "garbage", "service": "iam", "times": spoilt})
    assert await reader(organization, calls, budgets, account).users()
    assert budgets.taken == {f"iam/{account}": spoilt + 1}


async def test_three_replies_that_are_refused_are_enough(
    organization: Sandbox, calls: Calls, budgets: Counting
) -> None:
    account = member(organization)
    organization.fault({"kind": "garbage", "service": "iam"})
    with pytest.raises(AwsError) as caught:
        await reader(organization, calls, budgets, account).users()
    assert caught.value.cause is AwsCause.TRANSIENT
    assert budgets.taken == {f"iam/{account}": 3}


async def test_what_was_sent_is_what_was_paid_under_a_rate(
    organization: Sandbox, calls: Calls, budgets: Counting
) -> None:
    organization.control("POST", "rates", {"service": "iam", "per_second": 0.2, "burst": 2})
    accounts = open_to(organization)[1:4]
    sessions = Sessions(PATIENT, calls, budgets)
    readers = [IamReader(sessions.get(connector(organization), 1, account)) for account in accounts for _ in range(6)]
    with tallying() as tally:
        await asyncio.gather(*(each.roles() for each in readers), return_exceptions=True)
    (shown,) = organization.control("GET", "rates")
    assert budgets.taken == {f"iam/{key}": sum(counts.values()) for key, counts in shown["accounts"].items()}
    assert budgets.throttled == {f"iam/{key}": counts["throttled"] for key, counts in shown["accounts"].items()}
    assert tally.throttled == budgets.throttled.total()
    assert min(budgets.throttled.values()) > 0


async def test_an_account_that_must_wait_keeps_no_thread(organization: Sandbox, budgets: Counting) -> None:
    slow, quick = everybody(organization)[0], member(organization)
    opened = budgets.close(f"iam/{slow}")
    alone = Calls(1)
    try:
        held = asyncio.create_task(reader(organization, alone, budgets, slow).users())
        assert await reader(organization, alone, budgets, quick).users()
        assert not held.done()
        opened.set()
        assert await held
    finally:
        alone.close()


async def test_a_retry_waits_for_its_slot(organization: Sandbox, calls: Calls, budgets: Counting) -> None:
    account = member(organization)
    key = f"iam/{account}"
    opened = budgets.close(key, after=1)
    organization.fault({"kind": "throttle", "service": "iam", "times": 1})
    asking = asyncio.create_task(reader(organization, calls, budgets, account).users())
    await eventually(lambda: budgets.waiting[key] == 1)
    assert sent(organization, "iam") == {account: 1}
    opened.set()
    assert await asking
    assert budgets.taken[key] == 2


async def test_budgets_that_fail_fail_the_call_before_it_is_sent(
    organization: Sandbox, calls: Calls, budgets: Counting
) -> None:
    account = member(organization)
    asking = reader(organization, calls, budgets, account)
    budgets.broken = True
    with pytest.raises(Transient, match="elsewhere"):
        await asking.users()
    assert sent(organization, "iam") == {}


async def test_without_budgets_calls_go_as_they_come(organization: Sandbox, calls: Calls) -> None:
    organization.control("POST", "rates", {"service": "iam", "per_second": 0.1, "burst": 1})
    iam = IamReader(Sessions(QUICK, calls).get(connector(organization), 1, member(organization)))
    answers = await asyncio.gather(*(iam.users() for _ in range(8)), return_exceptions=True)
    assert any(isinstance(answer, AwsError) and "throttled" in str(answer) for answer in answers)
    assert sent(organization, "iam")[member(organization)] > 8
