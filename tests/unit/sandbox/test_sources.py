"""A principal is the resource that it names while its account is in the organization, and external otherwise."""

from __future__ import annotations

import pytest

from grantwire.sandbox.facts import Claim
from grantwire.sandbox.organization.neighbours import member
from grantwire.sandbox.sources import Around, placed
from grantwire.sandbox.trusts import outsider, own_user

A, B, C = "111111111111", "222222222222", "333333333333"
ARNS = {"AIDA1": f"arn:aws:iam::{B}:user/ann"}


@pytest.mark.parametrize(
    ("claim", "members", "kind", "source", "principal_class", "inside"),
    [
        (own_user("AIDA1", "allow"), {A, B}, "iam_user", ARNS["AIDA1"], None, None),
        (own_user("AIDA1", "allow"), {A}, "external_principal", ARNS["AIDA1"], "unresolved", False),
        (own_user("AIDA9", "allow"), {A, B}, "external_principal", "AIDA9", "deleted", None),
        (member(B, "allow"), {A, B}, "account", B, None, None),
        (member(B, "allow"), {A}, "external_principal", B, "account", False),
        (outsider(C, "account", "allow"), {A, C}, "account", C, None, None),
        (outsider(C, "account", "allow"), {A}, "external_principal", C, "account", False),
        (outsider(C, "account", "allow"), None, "external_principal", C, "account", None),
        (outsider("*", "anyone", "allow"), {A}, "external_principal", "*", "anyone", None),
    ],
)  # fmt: skip
def test_where_a_source_stands(
    claim: Claim, members: set[str] | None, kind: str, source: str, principal_class: str | None, inside: bool | None
) -> None:
    around = Around("aws", frozenset(members) if members is not None else None, ARNS)
    found = placed(claim, A, around, ARNS)
    assert (found.source_kind, found.source) == (kind, source)
    assert (found.principal_class, found.in_organization) == (principal_class, inside)
