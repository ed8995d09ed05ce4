"""What becomes of an organization's accounts: every filter, state, gap, owner and failure, alone and against others."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from grantwire.contracts.connectors import Connector
from grantwire.contracts.snapshots import Reason
from grantwire.graph.wanted import Gap, Known, Member, Standing
from grantwire.scheduler.fleet import decide

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OWN, DEV, PROD, LONE = "111111111111", "222222222222", "333333333333", "444444444444"
ROOT, TEAMS, TEAM_A, TEAM_B = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"
INTERVAL = timedelta(minutes=15)
MEMBERS = (
    Member(OWN, "management", "ACTIVE", (ROOT,)),
    Member(DEV, "dev", "ACTIVE", (TEAM_A, TEAMS, ROOT)),
    Member(PROD, "prod", "ACTIVE", (TEAM_B, TEAMS, ROOT)),
    Member(LONE, "lone", "ACTIVE", (ROOT,)),
)
ALL = [OWN, DEV, PROD, LONE]


def known(settings: dict[str, Any] | None = None, **changes: Any) -> Known:
    connector = Connector(
        id="prod",
        role_arn=f"arn:aws:iam::{OWN}:role/Grantwire",
        organizations=True,
        interval=INTERVAL,
        **(settings or {}),
    )
    plain = Known(connector, OWN, "o-abc123", "manual", NOW, MEMBERS)
    return replace(plain, **changes)


@dataclass(frozen=True)
class Decided:
    """A decision about connectors that read nothing but the IAM of accounts."""

    jobs: list[str]
    unreachable: dict[str, Reason] = field(default_factory=dict)
    retire: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def decided(known: Known) -> Decided:
    found = decide(known)
    parts = [*found.jobs, *found.unreachable]
    assert all(part == ("iam", f"iam/{part.account}", part.account) for part in parts)
    jobs = [part.account or "" for part in found.jobs]
    unreachable = {part.account or "": reason for part, reason in found.unreachable.items()}
    return Decided(jobs, unreachable, found.retire, found.skipped)


def scope(account: str, **changes: Any) -> Standing:
    plain = Standing(f"iam/{account}", "iam", account, "complete", 0, NOW - timedelta(hours=1), False)
    return replace(plain, **changes)


def scopes(*accounts: str) -> tuple[Standing, ...]:
    return tuple(scope(account) for account in accounts)


def with_state(account: str, state: str | None) -> tuple[Member, ...]:
    return tuple(replace(one, state=state) if one.account == account else one for one in MEMBERS)


def test_everything_is_read_that_no_setting_leaves_out() -> None:
    assert decided(known(scopes=scopes(*ALL))) == Decided(ALL)


@pytest.mark.parametrize(
    ("filters", "jobs", "named"),
    [
        ({"include_accounts": [DEV]}, [DEV], "filter include_accounts leaves"),
        ({"exclude_accounts": [DEV]}, [OWN, PROD, LONE], "filter exclude_accounts leaves"),
        ({"exclude_accounts": [OWN]}, [DEV, PROD, LONE], "filter exclude_accounts leaves"),
        ({"include_ous": [TEAMS]}, [DEV, PROD], "filter include_ous leaves"),
        ({"include_ous": [TEAM_A]}, [DEV], "filter include_ous leaves"),
        ({"include_ous": [ROOT]}, ALL, None),
        ({"exclude_ous": [TEAMS]}, [OWN, LONE], "filter exclude_ous leaves"),
        ({"exclude_ous": [TEAM_B]}, [OWN, DEV, LONE], "filter exclude_ous leaves"),
        ({"exclude_ous": [ROOT]}, [], "filter exclude_ous leaves"),
        ({"include_accounts": [LONE], "include_ous": [TEAM_A]}, [DEV, LONE], "include_accounts and include_ous leave "),
        ({"include_ous": [TEAMS], "exclude_ous": [TEAM_A]}, [PROD], "leave"),
        ({"include_ous": [TEAM_A], "exclude_ous": [TEAMS]}, [], "leave"),
        ({"include_ous": [TEAMS], "exclude_accounts": [PROD]}, [DEV], "leave"),
        ({"include_accounts": [DEV], "exclude_ous": [TEAM_A]}, [], "leave"),
        ({"include_accounts": [DEV], "exclude_accounts": [DEV]}, [], "leave"),
        ({"include_accounts": ["999999999999"]}, [], "filter include_accounts leaves"),
    ],
)
def test_filters(filters: dict[str, list[str]], jobs: list[str], named: str | None) -> None:
    decision = decided(known(filters, scopes=scopes(*ALL)))
    assert decision.jobs == jobs and decision.unreachable == {} and decision.skipped == []
    assert decision.retire.keys() == {f"iam/{account}" for account in set(ALL) - set(jobs)}
    for key, why in decision.retire.items():
        assert named is not None and named in why and key.removeprefix("iam/") in why


@pytest.mark.parametrize("include", list(product([False, True], repeat=2)))
@pytest.mark.parametrize("exclude", list(product([False, True], repeat=2)))
def test_every_mix_of_filters_follows_one_rule(include: tuple[bool, bool], exclude: tuple[bool, bool]) -> None:
    """Of DEV: whether its account and its unit are included and excluded."""
    filters = {
        "include_accounts": [LONE, *([DEV] if include[0] else [])],
        "include_ous": [TEAM_A] if include[1] else [],
        "exclude_accounts": [DEV] if exclude[0] else [],
        "exclude_ous": [TEAM_A] if exclude[1] else [],
    }
    assert (DEV in decided(known(filters)).jobs) is (any(include) and not any(exclude))


def test_without_the_iam_of_members_only_the_own_account_is_read() -> None:
    decision = decided(known({"child_iam": False}, scopes=scopes(*ALL)))
    assert decision.jobs == [OWN]
    assert set(decision.retire) == {f"iam/{account}" for account in (DEV, PROD, LONE)}
    assert (
        decision.retire[f"iam/{DEV}"]
        == f"The setting child_iam of connector 'prod' is off, which leaves account {DEV} out."
    )


def test_the_own_account_obeys_filters_without_the_iam_of_members_too() -> None:
    assert decided(known({"child_iam": False, "include_ous": [TEAMS]})).jobs == []
    assert decided(known({"child_iam": False, "include_ous": [ROOT]})).jobs == [OWN]


@pytest.mark.parametrize("state", ["ACTIVE", "unknown", None, "SOMETHING_NEW"])
def test_accounts_that_may_be_entered_are_read(state: str | None) -> None:
    assert decided(known(members=with_state(DEV, state))).jobs == ALL


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        ("SUSPENDED", "suspended", "suspended"),
        ("PENDING_CLOSURE", "closing", "being closed"),
        ("CLOSED", "closed", "is closed"),
        ("PENDING_ACTIVATION", "pending_activation", "PENDING_ACTIVATION"),
    ],
)
def test_accounts_that_cannot_be_entered_are_unreachable(state: str, code: str, says: str) -> None:
    decision = decided(known(members=with_state(DEV, state), scopes=scopes(*ALL)))
    assert decision.jobs == [OWN, PROD, LONE] and decision.retire == {}
    reason = decision.unreachable[DEV]
    assert reason.code == code and says in reason.text and DEV in reason.text and reason.text.endswith(".")


def test_a_filter_is_stronger_than_a_state() -> None:
    decision = decided(known({"exclude_accounts": [DEV]}, members=with_state(DEV, "SUSPENDED"), scopes=scopes(DEV)))
    assert decision.unreachable == {} and set(decision.retire) == {f"iam/{DEV}"}


def test_an_accepted_gap_holds_until_its_time() -> None:
    until = NOW + timedelta(days=1)
    decision = decided(known(gaps={DEV: Gap("The role comes in May.", until)}))
    assert decision.jobs == [OWN, PROD, LONE]
    reason = decision.unreachable[DEV]
    assert reason.code == "accepted_gap"
    assert reason.text == f"Account {DEV} is not read until 2026-01-02 12:00 UTC, as accepted: The role comes in May."
    assert decided(known(gaps={DEV: Gap("over", NOW)})).jobs == ALL


def test_what_aws_says_is_stronger_than_what_a_person_accepted() -> None:
    gaps = {DEV: Gap("no role", NOW + timedelta(days=1))}
    assert decided(known(members=with_state(DEV, "CLOSED"), gaps=gaps)).unreachable[DEV].code == "closed"


def test_an_account_of_another_connector_is_left_alone() -> None:
    decision = decided(known(taken={DEV: "dev-team"}))
    assert decision.jobs == [OWN, PROD, LONE] and decision.unreachable == {} and decision.retire == {}
    assert decision.skipped == [f"Account {DEV} is read by connector 'dev-team'; connector 'prod' leaves it alone."]


@pytest.mark.parametrize("changes", [{"members": with_state(DEV, "SUSPENDED")}, {}])
def test_nothing_is_said_of_a_filtered_account_of_another_connector(changes: dict[str, Any]) -> None:
    assert decided(known({"exclude_accounts": [DEV]}, taken={DEV: "other"}, **changes)).skipped == []


@pytest.mark.parametrize(("failures", "intervals"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (40, 8), (100_000, 8)])
def test_a_failing_account_rests_longer_each_time(failures: int, intervals: int) -> None:
    def jobs(ago: timedelta, cause: str = "interval") -> list[str]:
        failing = scope(DEV, state="stale", failures=failures, tried_at=NOW - ago)
        return decided(known(scopes=(failing, *scopes(OWN)), cause=cause)).jobs

    assert jobs(intervals * INTERVAL - INTERVAL / 2) == ALL, "a try ends some time after its run began"
    assert jobs(intervals * INTERVAL - INTERVAL / 2 - timedelta(seconds=1)) == [OWN, PROD, LONE]
    assert jobs(timedelta(0), cause="manual") == ALL, "a person does not wait"


def test_a_resting_account_is_no_part_of_the_run_and_nothing_of_it_changes() -> None:
    failing = scope(DEV, state="stale", failures=3, tried_at=NOW)
    decision = decided(known(scopes=(failing,), cause="interval"))
    assert DEV not in decision.jobs and DEV not in decision.unreachable and decision.retire == {}


@pytest.mark.parametrize(
    "changes", [{"failures": 0}, {"failures": 3, "tried_at": None}, {"failures": 3, "retired": True}]
)
def test_what_does_not_rest(changes: dict[str, Any]) -> None:
    assert decided(known(scopes=(scope(DEV, **{"tried_at": NOW, **changes}),), cause="interval")).jobs == ALL


def test_a_suspended_account_is_unreachable_even_while_it_would_rest() -> None:
    failing = scope(DEV, state="stale", failures=3, tried_at=NOW)
    decision = decided(known(members=with_state(DEV, "SUSPENDED"), scopes=(failing,), cause="interval"))
    assert set(decision.unreachable) == {DEV}


def test_an_account_that_left_is_retired() -> None:
    gone = "555555555555"
    decision = decided(known(scopes=scopes(*ALL, gone)))
    assert decision.jobs == ALL
    assert decision.retire == {f"iam/{gone}": f"Account {gone} is no longer in the organization."}


def test_what_is_retired_is_not_retired_again() -> None:
    assert decided(known(scopes=(scope("555555555555", retired=True),))).retire == {}


def test_a_retired_account_that_is_wanted_again_is_read() -> None:
    decision = decided(known(scopes=(scope(DEV, retired=True),)))
    assert DEV in decision.jobs and decision.retire == {}


def test_an_organization_that_was_never_read_leaves_the_own_account() -> None:
    decision = decided(known(members=(), scopes=scopes(*ALL)))
    assert decision.jobs == [OWN]
    assert decision.retire == {}, "nobody is missing from what nobody has seen"


def test_filters_of_accounts_hold_for_the_own_account_while_nothing_else_is_known() -> None:
    assert decided(known({"exclude_accounts": [OWN]}, members=())).jobs == []
    assert decided(known({"include_accounts": [DEV]}, members=())).jobs == []
    assert decided(known({"exclude_ous": [TEAMS]}, members=())).jobs == [OWN]


def test_the_own_account_is_read_even_if_the_organization_does_not_list_it() -> None:
    decision = decided(known(members=MEMBERS[1:], scopes=scopes(OWN)))
    assert decision.jobs == ALL and decision.retire == {}


def test_another_organization_takes_the_place_of_the_first() -> None:
    old = Standing("organization/o-old", "organization", OWN, "complete", 0, NOW, False)
    new = Standing("organization/o-abc123", "organization", OWN, "complete", 0, NOW, False)
    assert decided(known(scopes=(old, new))).retire == {
        "organization/o-old": "Connector 'prod' reads organization o-abc123 now."
    }


def test_the_organizations_scope_is_not_an_accounts() -> None:
    """It carries the connector's own account, which a filter may leave out."""
    organization = Standing("organization/o-abc123", "organization", OWN, "stale", 4, NOW, False)
    decision = decided(known({"exclude_accounts": [OWN]}, scopes=(organization,), cause="interval"))
    assert decision.retire == {} and decision.jobs == [DEV, PROD, LONE]
    assert decided(known(scopes=(organization,), cause="interval")).jobs == ALL, (
        "nor do its failures count for the account"
    )


def test_a_connector_that_reads_no_organization_any_more_keeps_its_own_account() -> None:
    organization = Standing("organization/o-abc123", "organization", OWN, "complete", 0, NOW, False)
    decision = decided(known(organization=None, members=(), scopes=(organization, *scopes(OWN, DEV))))
    assert decision.jobs == [OWN]
    assert decision.retire == {
        "organization/o-abc123": "Connector 'prod' reads no organization any more.",
        f"iam/{DEV}": f"Connector 'prod' reads account {OWN} alone; account {DEV} is not part of that.",
    }
