"""Which plan, which second looks, what is concluded: on answers as different readings would give them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.iam import shapes
from grantwire.collectors.iam.doubts import own_name
from grantwire.collectors.iam.plans import Subject, fetch_iam
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind, RelationKind, facet_of
from tests.unit.collectors.answers import details, group, listed_group, listed_role, listed_user, role, user
from tests.unit.collectors.policies import ACCOUNT, OTHER, allow, policy

T = TypeVar("T")
ADA = (listed_user("ada"),)
ME = f"arn:aws:sts::{ACCOUNT}:assumed-role/me/grantwire-prod"
STAFF = listed_group("staff")
INSIDE = frozenset({ACCOUNT, OTHER})


def denied(operation: str, code: str = "AccessDenied") -> AwsError:
    return AwsError(f"AWS refused {operation}.", cause=AwsCause.DENIED, operation=operation, code=code)


def gone() -> AwsError:
    return AwsError("Gone.", cause=AwsCause.GONE, operation="iam:GetGroup", code="NoSuchEntity")


def nobody_in(name: str) -> shapes.GroupMembers:
    return shapes.GroupMembers(group=listed_group(name), users=())


@dataclass
class Readings:
    """A reader whose answers are those given, one after the other; the last one stays. An error is raised."""

    details: Sequence[shapes.AccountDetails | AwsError] = field(default_factory=lambda: [details(roles=[role("me")])])
    user_lists: Sequence[tuple[shapes.ListedUser, ...] | AwsError] = field(default_factory=lambda: [()])
    group_lists: Sequence[tuple[shapes.ListedGroup, ...] | AwsError] = field(default_factory=lambda: [()])
    role_lists: Sequence[tuple[shapes.ListedRole, ...] | AwsError] = field(
        default_factory=lambda: [(listed_role("me"),)]
    )
    opened: Callable[[str], shapes.GroupMembers | AwsError] = lambda name: shapes.GroupMembers(
        group=listed_group(name), users=()
    )
    aliases: Sequence[tuple[str, ...] | AwsError] = field(default_factory=lambda: [("acme",)])
    calls: list[str] = field(default_factory=list)

    async def account_aliases(self) -> tuple[str, ...]:
        return self._next("aliases", self.aliases)

    async def account_details(self) -> shapes.AccountDetails:
        return self._next("details", self.details)

    async def users(self) -> tuple[shapes.ListedUser, ...]:
        return self._next("users", self.user_lists)

    async def groups(self) -> tuple[shapes.ListedGroup, ...]:
        return self._next("groups", self.group_lists)

    async def roles(self) -> tuple[shapes.ListedRole, ...]:
        return self._next("roles", self.role_lists)

    async def members(self, group_name: str) -> shapes.GroupMembers:
        return self._next("members", [self.opened(group_name)])

    def _next(self, name: str, answers: Sequence[T | AwsError]) -> T:
        answer = answers[min(self.calls.count(name), len(answers) - 1)]
        self.calls.append(name)
        if isinstance(answer, AwsError):
            raise answer
        return answer


async def fetch(readings: Readings, inside: frozenset[str] | None = None) -> Reading:
    return await fetch_iam(readings, Subject(ACCOUNT, own_name(ME), inside))


def minimum(**but: Any) -> Readings:
    return Readings(details=[denied("iam:GetAccountAuthorizationDetails")], **but)


def names(reading: Reading) -> set[str]:
    return {row.name for row in reading.facts().resources}


def memberships(reading: Reading) -> set[tuple[str, str]]:
    rows = reading.facts().relations
    return {(row.source, row.target) for row in rows if row.kind is RelationKind.MEMBER_OF}


async def test_bulk_is_three_calls() -> None:
    readings = Readings()
    assert (await fetch(readings)).plan == "bulk"
    assert readings.calls == ["details", "users", "roles"]


async def test_in_an_organization_the_account_says_its_aliases() -> None:
    readings = Readings()
    reading = await fetch(readings, INSIDE)
    assert readings.calls == ["details", "users", "roles", "aliases"]
    assert "facet" in reading.covers
    [found] = [row for row in reading.facts().resources if row.kind is Kind.FACET]
    assert (facet_of(found.name), found.attributes) == ((Kind.ACCOUNT, ACCOUNT), {"aliases": ["acme"]})


async def test_an_account_without_aliases_says_so() -> None:
    reading = await fetch(Readings(aliases=[()]), INSIDE)
    assert [row.attributes for row in reading.facts().resources if row.kind is Kind.FACET] == [{"aliases": []}]


async def test_denied_aliases_are_unread_and_the_rest_is_whole() -> None:
    reading = await fetch(Readings(aliases=[denied("iam:ListAccountAliases")]), INSIDE)
    assert "facet" not in reading.covers and "iam_role" in reading.covers
    assert {note.what: note.why for note in reading.unread}["account.aliases"] == "AWS refused iam:ListAccountAliases."
    assert names(reading) == {"me"}


async def test_aliases_that_cannot_be_read_for_now_fail_the_reading() -> None:
    broken = AwsError("Later.", cause=AwsCause.TRANSIENT, operation="iam:ListAccountAliases", code="Throttling")
    with pytest.raises(AwsError, match="Later"):
        await fetch(Readings(aliases=[broken]), INSIDE)


@pytest.mark.parametrize(("inside", "unread"), [(INSIDE, True), (None, False)])
async def test_the_minimum_never_asks_for_aliases(inside: frozenset[str] | None, unread: bool) -> None:
    readings = minimum()
    reading = await fetch(readings, inside)
    assert "aliases" not in readings.calls and "facet" not in reading.covers
    assert ("account.aliases" in {note.what for note in reading.unread}) is unread


@pytest.mark.parametrize("plan", [Readings, minimum])
async def test_a_role_of_the_organization_is_that_role(plan: Callable[..., Readings]) -> None:
    arn = f"arn:aws:iam::{OTHER}:role/deploy"
    trust = policy(allow({"AWS": arn}))
    readings = plan(role_lists=[(listed_role("me", trust=trust),)])
    readings.details = [details(roles=[role("me", trust=trust)])] if plan is Readings else readings.details
    for inside, kind in ((INSIDE, Kind.IAM_ROLE), (frozenset(), Kind.EXTERNAL_PRINCIPAL)):
        readings.calls.clear()
        rows = (await fetch(readings, inside)).facts().relations
        assert [(row.source, row.source_kind) for row in rows if row.kind is RelationKind.CAN_ASSUME] == [(arn, kind)]


async def test_without_the_permission_for_bulk_the_minimum_is_read_and_says_why() -> None:
    reading = await fetch(minimum())
    assert reading.plan == "minimum"
    why = {note.what: note.why for note in reading.unread}
    assert why["attached"] == why["iam_user.tags"] == "AWS refused iam:GetAccountAuthorizationDetails."


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
async def test_refused_credentials_are_no_reason_to_read_less(code: str) -> None:
    with pytest.raises(AwsError):
        await fetch(Readings(details=[denied("iam:GetAccountAuthorizationDetails", code)]))


async def test_a_user_deleted_between_two_calls_is_gone_after_the_second_look() -> None:
    both = [details([user("ada")], roles=[role("me")]), details(roles=[role("me")])]
    readings = Readings(details=both)
    assert names(await fetch(readings)) == {"me"}
    assert readings.calls == ["details", "users", "roles"] * 2


async def test_a_user_created_between_two_calls_is_there_after_the_second_look() -> None:
    both = [details(roles=[role("me")]), details([user("ada")], roles=[role("me")])]
    reading = await fetch(Readings(details=both, user_lists=[(listed_user("ada"),)]))
    assert names(reading) == {"ada", "me"}


async def test_what_changed_again_meanwhile_is_kept_without_what_is_not_known() -> None:
    both = [details([user("ada")], roles=[role("me")]), details([user("bob")], roles=[role("me")])]
    reading = await fetch(Readings(details=both))
    assert names(reading) == {"bob", "me"}
    assert "password_last_used" not in reading.facts().resources[0].attributes
    assert "bob changed while" in {note.what: note.why for note in reading.unread}["iam_user.password_last_used"]


@pytest.mark.parametrize(
    "readings",
    [
        Readings(details=[details([user("ada")], roles=[role("me")])]),
        Readings(user_lists=[(listed_user("ada"),)]),
        Readings(
            details=[details([user("ada", unique_id="NEW")], roles=[role("me")])], user_lists=[(listed_user("ada"),)]
        ),
        Readings(role_lists=[()]),
        Readings(details=[details()], role_lists=[()]),
        Readings(
            details=[details([user("ada", groups=("staff",))], roles=[role("me")])], user_lists=[(listed_user("ada"),)]
        ),
    ],
    ids=[
        "a user missing in the sweep",
        "a user only in the sweep",
        "a user who is another one in the sweep",
        "a role missing in the sweep",
        "ourselves missing",
        "a group nobody lists",
    ],
)
async def test_what_stays_contradictory_is_an_error_and_never_a_short_list(readings: Readings) -> None:
    with pytest.raises(AwsError) as caught:
        await fetch(readings)
    assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


async def test_a_group_that_appears_at_the_second_look_makes_the_membership() -> None:
    ada = user("ada", groups=("staff",))
    both = [details([ada], roles=[role("me")]), details([ada], [group("staff")], [role("me")])]
    assert memberships(await fetch(Readings(details=both, user_lists=[(listed_user("ada"),)]))) == {
        (ada.arn, STAFF.arn)
    }


@pytest.mark.parametrize("call", ["users", "groups", "roles"])
async def test_a_list_of_the_minimum_that_is_denied_is_an_error(call: str) -> None:
    with pytest.raises(AwsError, match="refused"):
        await fetch(minimum(**{f"{call[:-1]}_lists": [denied(f"iam:List{call.title()}")]}))


async def test_a_group_that_vanished_is_looked_for_once_more() -> None:
    found = minimum(group_lists=[(STAFF,), ()])
    found.opened = lambda name: gone()
    reading = await fetch(found)
    assert names(reading) == {"me"}
    assert found.calls.count("groups") == 2


async def test_a_group_that_is_listed_and_gone_twice_is_an_error() -> None:
    found = minimum(group_lists=[(STAFF,)])
    found.opened = lambda name: gone()
    with pytest.raises(AwsError, match="listed but gone"):
        await fetch(found)


async def test_a_group_that_was_replaced_is_an_error_while_it_stays_so() -> None:
    found = minimum(group_lists=[(STAFF,)])
    found.opened = lambda name: shapes.GroupMembers(group=listed_group(name, unique_id="NEW"), users=())
    with pytest.raises(AwsError, match="was replaced"):
        await fetch(found)


async def test_all_groups_denied_leave_memberships_unread() -> None:
    found = minimum(group_lists=[tuple(listed_group(f"g{number}") for number in range(40))])
    found.opened = lambda name: denied("iam:GetGroup")
    reading = await fetch(found)
    assert "member_of" not in reading.covers
    assert "40 groups" in {note.what: note.why for note in reading.unread}["member_of"]
    assert found.calls.count("members") == 4


async def test_a_group_that_cannot_be_read_for_now_fails_the_reading() -> None:
    found = minimum(group_lists=[(STAFF, listed_group("other"))])
    broken = AwsError("Later.", cause=AwsCause.TRANSIENT, operation="iam:GetGroup", code="Throttling")
    found.opened = lambda name: broken
    with pytest.raises(AwsError, match="Later"):
        await fetch(found)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (ME, "me"),
        (f"arn:aws:iam::{ACCOUNT}:user/team/ada", "ada"),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/bob", None),
    ],
)
def test_who_asked_must_be_listed_where_iam_lists_them(arn: str, name: str | None) -> None:
    assert own_name(arn) == name
