"""Planted trust policies between the accounts of an organization, each with its meaning written down by hand.

A principal inside the organization is that user, role or account; of one outside, `in_organization` is false. As in
`trusts`, nothing here reads a policy. Standard library only.
"""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.facts import Claim, bound
from grantwire.sandbox.trusts import (
    ASSUME,
    NO,
    YES,
    Case,
    Cast,
    Trust,
    allow,
    deny,
    document,
    meaning,
    outsider,
    own_role,
    own_user,
    said,
)


def member(account: str, effect: str, *statements: dict[str, Any]) -> Claim:
    """An account of the organization as source."""
    return Claim(account, "account", effect, statements)


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def neighbour_role(cast: Cast) -> Trust:
    # A role of another account of the organization is that role; the class speaks of accounts, not of organizations.
    return document(allow({"AWS": bound(cast.neighbour_role)})), meaning(
        "cross_account", own_role(cast.neighbour_role, "allow", YES)
    )


def neighbour_user(cast: Cast) -> Trust:
    # So is a user, here with MFA.
    when = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return document(allow({"AWS": bound(cast.neighbour_user)}, Condition=when)), meaning(
        "cross_account", own_user(cast.neighbour_user, "conditional", said("Allow", ASSUME, when=when))
    )


def neighbour_root(cast: Cast) -> Trust:
    # The root of another account of the organization is that account.
    return document(allow({"AWS": _root(cast.neighbour)})), meaning(
        "cross_account", member(cast.neighbour, "allow", YES)
    )


def neighbour_and_stranger(cast: Cast) -> Trust:
    # Digits of an account inside and of one outside, side by side.
    return document(allow({"AWS": [cast.neighbour, cast.other]})), meaning(
        "cross_account",
        member(cast.neighbour, "allow", YES),
        outsider(cast.other, "account", "allow", YES, inside=False),
    )


def outside_role(cast: Cast) -> Trust:
    # A role of an account outside stays what is written, and is known to be outside.
    arn = f"arn:aws:iam::{cast.third}:role/vendor/reader"
    return document(allow({"AWS": arn})), meaning(
        "cross_account", outsider(arn, "unresolved", "allow", YES, inside=False)
    )


def neighbour_denies_its_user(cast: Cast) -> Trust:
    # A user is matched through its account as well, in another account too: the Deny wins. Brittle, as a deleted
    # user belongs to no account.
    return document(allow({"AWS": bound(cast.neighbour_user)}), deny({"AWS": _root(cast.neighbour)})), meaning(
        "cross_account",
        own_user(cast.neighbour_user, "denied", YES, NO),
        member(cast.neighbour, "denied", NO),
        brittle=True,
    )


def neighbour_session(cast: Cast) -> Trust:
    # A session stays external wherever it is; its id holds the number of an account of the organization.
    arn = f"arn:aws:sts::{cast.neighbour}:assumed-role/Pipeline/build-19"
    return document(allow({"AWS": arn})), meaning("cross_account", outsider(arn, "session", "allow", YES, inside=True))


NEIGHBOURS: tuple[Case, ...] = (
    neighbour_role,
    neighbour_root,
    neighbour_and_stranger,
    outside_role,
    neighbour_user,
    neighbour_denies_its_user,
    neighbour_session,
)


def trusting(accounts: tuple[str, ...], external_id: str | None = None) -> Trust:
    """The trust of a child role: the root of one or two accounts of the organization, perhaps with an external id."""
    when = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else None
    more = {"Condition": when} if when else {}
    effect, statement = ("conditional" if when else "allow"), said("Allow", ASSUME, when=when)
    return document(allow({"AWS": [_root(each) for each in accounts]}, **more)), meaning(
        "cross_account", *(member(each, effect, statement) for each in accounts)
    )


def misplaced(cast_other: str) -> Trust:
    """The trust of a child role that was made for an account outside: nobody of the organization may enter."""
    return document(allow({"AWS": _root(cast_other)})), meaning(
        "cross_account", outsider(cast_other, "account", "allow", YES, inside=False)
    )
