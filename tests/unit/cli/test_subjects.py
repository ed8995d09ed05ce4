"""Several scopes of one account are one account to a person."""

from typing import Any

import pytest

from grantwire.cli.subjects import by_subject, subject_of

OWN, DEV = "111111111111", "222222222222"


def part(scope: str, state: str, reason: str | None = None, calls: int = 1) -> dict[str, Any]:
    source = scope.partition("/")[0]
    told = {"code": "denied", "text": reason} if reason else None
    return {
        "scope": scope,
        "state": state,
        "reason": told,
        "calls": {f"{source}:Read": calls},
        "throttled": 1,
        "name": "n",
    }


def test_parts_are_put_together_by_what_they_are_about() -> None:
    scopes = (
        "organization/o-1",
        "permission_sets/ssoins-1",
        "directory_users/d-1",
        "scim/t",
        f"iam/{OWN}",
        f"iam/{DEV}",
    )
    more = (f"credentials/{OWN}", f"assignments/{OWN}", f"assignments/{DEV}", "directory_memberships/d-1")
    found = by_subject(part(scope, "complete") for scope in (*scopes, *more))
    assert [each["scope"] for each in found] == [
        "organization/o-1",
        "identity_center/",
        "scim/t",
        f"account/{OWN}",
        f"account/{DEV}",
    ]
    own = found[3]
    assert own["calls"] == {"iam:Read": 1, "credentials:Read": 1, "assignments:Read": 1}
    assert own["throttled"] == 3
    assert by_subject(found) == found, "what is put together already stays as it is"


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("requested", "requested"), "requested"),
        (("requested", "complete"), "published"),
        (("published", "stale"), "published"),
        (("complete", "unchanged"), "complete"),
        (("unchanged", "unchanged"), "unchanged"),
        (("unreachable", "complete"), "unreachable"),
        (("complete", "stale"), "stale"),
        (("stale", "failed"), "failed"),
        (("complete", "something new"), "something new"),
    ],
)
def test_the_whole_is_as_far_as_its_last_part_and_as_well_as_its_worst(states: tuple[str, str], told: str) -> None:
    (found,) = by_subject([part(f"iam/{OWN}", states[0]), part(f"credentials/{OWN}", states[1])])
    assert found["state"] == told


def test_a_reason_says_which_part_it_is_of() -> None:
    parts = [
        part(f"iam/{OWN}", "complete"),
        part(f"credentials/{OWN}", "stale", "Denied."),
        part("scim/t", "stale", "No."),
    ]
    account, scim = by_subject(parts)
    assert account["reason"] == "credentials: Denied."
    assert scim["reason"] == {"code": "denied", "text": "No."}
    (alone,) = by_subject([part(f"iam/{OWN}", "stale", "Denied."), part(f"credentials/{OWN}", "complete")])
    assert alone["reason"] == {"code": "denied", "text": "Denied."}


def test_every_scope_has_a_subject() -> None:
    assert subject_of("something/else") == "something/else"
