"""Reading an organization: second looks, what is denied, and what is concluded: on answers as AWS might give them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
import structlog.testing

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.organizations.shapes import Account, Organization, Unit
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.organization.walk import fetch_organization
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import RelationKind
from tests.unit.collectors.organizations import ID, MANAGER, MEMBER, ROOT, SERVICE, THE, account, unit

T = TypeVar("T")
WHERE = {ROOT: (MANAGER,), "ou-1": (MEMBER,), "ou-2": ()}


def failing(cause: AwsCause, code: str) -> AwsError:
    return AwsError("AWS said no.", cause=cause, operation="organizations:X", code=code)


def denied() -> AwsError:
    return failing(AwsCause.DENIED, "AccessDeniedException")


def gone() -> AwsError:
    return failing(AwsCause.GONE, "ParentNotFoundException")


@dataclass
class Readings:
    """A reader whose answers change from reading to reading; the last ones stay. An error is raised."""

    places: Sequence[dict[str, tuple[str, ...]]] = (WHERE,)  # the accounts by parent, per reading
    listed: Sequence[tuple[str, ...] | AwsError] = ((MANAGER, MEMBER),)
    administrators: Sequence[tuple[str, ...] | AwsError] = ((MEMBER,),)
    services: Sequence[tuple[str, ...] | AwsError] = ((SERVICE,),)
    the: Organization | AwsError = THE
    closed: Callable[[str], AwsError | None] = lambda parent: None
    state: str | None = "ACTIVE"
    calls: Counter[str] = field(default_factory=Counter)

    async def organization(self) -> Organization:
        return self._next("organization", [self.the])

    async def roots(self) -> tuple[Unit, ...]:
        return self._next("roots", [(unit(ROOT, "Root"),)])

    async def units(self, parent: str) -> tuple[Unit, ...]:
        below = (unit("ou-1"), unit("ou-2")) if parent == ROOT else ()
        return self._next(f"units {parent}", [self.closed(parent) or below])

    async def accounts(self) -> tuple[Account, ...]:
        return tuple(account(id, state=self.state) for id in self._next("accounts", self.listed))

    async def accounts_under(self, parent: str) -> tuple[Account, ...]:
        found = self._next(f"under {parent}", [self.closed(parent) or place[parent] for place in self.places])
        return tuple(account(id, state=self.state) for id in found)

    async def delegated_administrators(self) -> tuple[str, ...]:
        return self._next("administrators", self.administrators)

    async def delegated_services(self, account: str) -> tuple[str, ...]:
        return self._next(f"services {account}", self.services)

    def _next(self, name: str, answers: Sequence[T | AwsError]) -> T:
        answer = answers[min(self.calls[name], len(answers) - 1)]
        self.calls[name] += 1
        if isinstance(answer, AwsError):
            raise answer
        return answer


async def fetch(readings: Readings, own: str = MANAGER) -> Reading:
    return await fetch_organization(readings, ID, own)


def homes(reading: Reading) -> dict[str, str]:
    rows = reading.facts().relations
    return {row.target: row.source for row in rows if row.kind is RelationKind.CONTAINS and row.target[0] in "147"}


async def test_every_place_is_opened_once() -> None:
    readings = Readings()
    reading = await fetch(readings)
    assert (reading.account, reading.unread) == (MANAGER, [])
    assert sum(readings.calls.values()) == 1 + 1 + 1 + 3 + 3 + 1 + 1
    assert set(readings.calls.values()) == {1}
    assert homes(reading) == {MANAGER: ROOT, MEMBER: "ou-1"}


async def test_an_account_that_moved_while_we_read_is_where_it_went() -> None:
    between = {**WHERE, "ou-1": ()}
    after = {**WHERE, "ou-1": (), "ou-2": (MEMBER,)}
    readings = Readings(places=[between, after])
    assert homes(await fetch(readings))[MEMBER] == "ou-2"
    assert readings.calls["organization"] == 2


@pytest.mark.parametrize(
    "readings",
    [
        Readings(places=[{**WHERE, "ou-1": ()}]),
        Readings(listed=[(MANAGER,)]),
        Readings(listed=[()]),
        Readings(places=[{**WHERE, "ou-2": (MEMBER,)}]),
        Readings(services=[()]),
        Readings(services=[failing(AwsCause.GONE, "AccountNotRegisteredException")]),
        Readings(closed=lambda parent: gone() if parent == "ou-2" else None),
        Readings(places=[{**WHERE, "ou-1": ()}, {**WHERE, "ou-2": (MEMBER,)}]),
    ],
    ids=[
        "an account without a place",
        "an account that is not listed",
        "no accounts",
        "an account in two places",
        "an administrator of nothing",
        "an administrator that is none",
        "a unit that is listed and gone",
        "an account that moves all the time",
    ],
)
async def test_what_does_not_fit_after_a_second_look_is_an_error_and_never_a_short_list(readings: Readings) -> None:
    with pytest.raises(AwsError) as caught:
        await fetch(readings)
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)
    assert readings.calls["organization"] == 2


async def test_an_administrator_that_was_just_deregistered_is_none() -> None:
    readings = Readings(
        administrators=[(MEMBER,), ()], services=[failing(AwsCause.GONE, "AccountNotRegisteredException")]
    )
    rows = {row.native_id: row.attributes for row in (await fetch(readings)).facts().resources}
    assert rows[MEMBER]["delegated_services"] == []


@pytest.mark.parametrize("but", [{"administrators": [denied()]}, {"services": [denied()]}])
async def test_administrators_that_are_denied_leave_their_services_unread(but: dict[str, Any]) -> None:
    reading = await fetch(Readings(**but))
    assert {note.what: note.why for note in reading.unread} == {"account.delegated_services": str(denied())}
    rows = reading.facts().resources
    assert all("delegated_services" not in row.attributes for row in rows)
    assert len(rows) == 6


async def test_another_organization_is_never_read_for_this_one() -> None:
    other = Organization(id="o-other1", arn="a", management_account=MANAGER, feature_set="ALL")
    readings = Readings(the=other)
    with pytest.raises(AwsError, match=f"belongs to the organization o-other1, but {ID} was to be read") as caught:
        await fetch(readings)
    assert caught.value.code == "WrongOrganization"
    assert readings.calls == {"organization": 1}


@pytest.mark.parametrize(
    "error",
    [denied(), failing(AwsCause.TRANSIENT, "TooManyRequestsException"), failing(AwsCause.GONE, "NoSuchEntity")],
)
async def test_accounts_that_cannot_be_listed_fail_the_reading(error: AwsError) -> None:
    with pytest.raises(AwsError) as caught:
        await fetch(Readings(listed=[error]))
    assert caught.value is error


async def test_accounts_without_a_state_are_said_aloud() -> None:
    with structlog.testing.capture_logs() as lines:
        reading = await fetch(Readings(state=None))
    states = [row.attributes["state"] for row in reading.facts().resources if "state" in row.attributes]
    assert states == ["unknown", "unknown"]
    assert [(line["log_level"], line["event"], line["accounts"]) for line in lines] == [
        ("warning", "accounts without a state", 2)
    ]
