"""Which scopes a run has beside the IAM of accounts: credentials, Identity Center, SCIM; and when each is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grantwire.contracts.cadence import PERMISSION_SETS_EVERY, reading_interval
from grantwire.contracts.connectors import Connector
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.graph.wanted import Known, Member, Standing
from grantwire.scheduler.fleet import decide, decide_at_once

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OWN, DEV, SHUT = "111111111111", "222222222222", "333333333333"
INTERVAL = timedelta(minutes=15)
MEMBERS = tuple(
    Member(account, account, state, ()) for account, state in ((OWN, "ACTIVE"), (DEV, "ACTIVE"), (SHUT, "SUSPENDED"))
)
CENTER = IdentityCenter(
    instance_arn="arn:aws:sso:::instance/ssoins-1234567890abcdef", identity_store="d-1234567890", region="eu-west-1"
)
ENDPOINT = "https://scim.eu-west-1.amazonaws.com/11111111-2222-3333-4444-555555555555/scim/v2/"
SETS = "permission_sets/ssoins-1234567890abcdef"
DIRECTORY = [f"directory_{what}/d-1234567890" for what in ("groups", "memberships", "users")]
ALL = {"organizations": True, "identity_center": True, "sync_secrets": True, "scim": True, "scim_endpoint": ENDPOINT}


def known(settings: dict[str, Any], **changes: Any) -> Known:
    connector = Connector(id="prod", role_arn=f"arn:aws:iam::{OWN}:role/Grantwire", interval=INTERVAL, **settings)
    organization = "o-abc123" if connector.organizations else None
    center = CENTER if connector.identity_center else None
    plain = Known(connector, OWN, organization, "interval", NOW, MEMBERS, identity_center=center)
    return replace(plain, **changes)


def jobs(known: Known) -> list[str]:
    return [part.key for part in decide(known).jobs]


def test_everything_that_the_settings_ask_for_is_read() -> None:
    decision = decide(known(ALL))
    shared = [SETS, *DIRECTORY, "scim/11111111-2222-3333-4444-555555555555"]
    of_accounts = [f"{source}/{account}" for account in (OWN, DEV) for source in ("iam", "credentials", "assignments")]
    assert [part.key for part in decision.jobs] == [*shared, *of_accounts, f"assignments/{SHUT}"]
    sources = {part.key: part.source for part in decision.jobs}
    assert sources[SETS] == sources[f"assignments/{DEV}"] == sources[DIRECTORY[0]] == "identity_center"
    assert all(part.account is None for part in decision.jobs if part.key in shared)


def test_what_needs_no_account_is_read_beside_the_organization() -> None:
    found = decide_at_once(known(ALL, members=()))
    assert [part.key for part in found.jobs] == [SETS, *DIRECTORY[:2]]
    assert (found.unreachable, found.retire, found.skipped) == ({}, {}, [])
    assert decide_at_once(known(ALL | {"identity_center": False})).jobs == []
    assert decide_at_once(known({"sync_secrets": True})).jobs == []


def test_beside_the_organization_only_what_is_due_is_read() -> None:
    fresh = standing(SETS, "identity_center", observed_at=NOW - INTERVAL)
    found = [part.key for part in decide_at_once(known(ALL, scopes=(fresh,))).jobs]
    assert found == DIRECTORY[:2]
    assert SETS not in [part.key for part in decide(known(ALL, scopes=(fresh,))).jobs]


def test_a_suspended_account_is_not_entered_but_its_assignments_are_read() -> None:
    decision = decide(known(ALL))
    assert [part.key for part in decision.unreachable] == [f"iam/{SHUT}", f"credentials/{SHUT}"]
    assert f"assignments/{SHUT}" in [part.key for part in decision.jobs]


def test_an_account_alone_has_credentials_and_no_identity_center() -> None:
    assert jobs(known({"sync_secrets": True}, members=())) == [f"iam/{OWN}", f"credentials/{OWN}"]


def test_without_the_iam_of_members_their_assignments_are_still_read() -> None:
    found = jobs(known({"organizations": True, "identity_center": True, "sync_secrets": True, "child_iam": False}))
    assert [key for key in found if key.startswith("assignments/")] == [f"assignments/{a}" for a in (OWN, DEV, SHUT)]
    assert [key for key in found if key.startswith(("iam/", "credentials/"))] == [f"iam/{OWN}", f"credentials/{OWN}"]


def test_a_filter_leaves_all_of_an_account_out() -> None:
    scopes = tuple(standing(f"{source}/{DEV}", source) for source in ("iam", "credentials", "assignments"))
    decision = decide(known({**ALL, "exclude_accounts": [DEV]}, scopes=scopes))
    assert not any(part.account == DEV for part in decision.jobs)
    assert decision.retire.keys() == {scope.key for scope in scopes}
    assert all("exclude_accounts" in why for why in decision.retire.values())


def standing(key: str, source: str, **changes: Any) -> Standing:
    account = key.rpartition("/")[2] if key.rpartition("/")[2].isdigit() else None
    kind = "identity_center" if source == "assignments" else source
    return replace(Standing(key, kind, account, "complete", 0, NOW, False, NOW), **changes)


@pytest.mark.parametrize(
    ("key", "source", "off", "says"),
    [
        (f"credentials/{DEV}", "credentials", "sync_secrets", "The setting sync_secrets of connector 'prod' is off."),
        (
            f"assignments/{DEV}",
            "identity_center",
            "identity_center",
            "Connector 'prod' reads no Identity Center any more.",
        ),
        (SETS, "identity_center", "identity_center", "Connector 'prod' reads no Identity Center now."),
        (DIRECTORY[1], "identity_center", "identity_center", "Connector 'prod' reads no Identity Center now."),
        ("scim/11111111-2222-3333-4444-555555555555", "scim", "scim", "Connector 'prod' reads no SCIM endpoint now."),
    ],
)
def test_what_is_switched_off_is_retired(key: str, source: str, off: str, says: str) -> None:
    scope = standing(key, source)
    assert decide(known(ALL, scopes=(scope,))).retire == {}
    assert decide(known({**ALL, off: False}, scopes=(scope,))).retire == {key: says}


def test_another_instance_takes_the_place_of_the_first() -> None:
    old = standing("directory_users/d-9999999999", "identity_center")
    (why,) = decide(known(ALL, scopes=(old,))).retire.values()
    assert CENTER.instance_arn in why


@pytest.mark.parametrize(
    ("changes", "about", "due"),
    [
        ({}, {}, False),
        ({}, {"observed_at": NOW - PERMISSION_SETS_EVERY}, True),
        ({}, {"observed_at": NOW - PERMISSION_SETS_EVERY + INTERVAL / 2}, True),
        ({}, {"observed_at": NOW - PERMISSION_SETS_EVERY + INTERVAL}, False),
        ({}, {"observed_at": None}, True),
        ({}, {"failures": 1, "tried_at": NOW - INTERVAL}, True),
        ({}, {"retired": True}, True),
        ({"cause": "manual"}, {}, True),
        ({"unknown_sets": True}, {}, True),
    ],
)
def test_permission_sets_have_a_cadence_of_their_own(changes: dict[str, Any], about: dict[str, Any], due: bool) -> None:
    scope = standing(SETS, "identity_center", **about)
    found = decide(known(ALL, scopes=(scope, standing(DIRECTORY[0], "identity_center")), **changes))
    assert (SETS in [part.key for part in found.jobs]) is due
    assert DIRECTORY[0] in [part.key for part in found.jobs], "the directory is read every time"
    assert found.retire == {}


def test_only_permission_sets_are_read_less_often_than_their_connector_runs() -> None:
    assert reading_interval(SETS, INTERVAL) == PERMISSION_SETS_EVERY
    assert reading_interval(SETS, timedelta(days=1)) == timedelta(days=1)
    assert {reading_interval(key, INTERVAL) for key in (*DIRECTORY, f"assignments/{DEV}", f"iam/{DEV}")} == {INTERVAL}
