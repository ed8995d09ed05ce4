"""Every row of the table of principals, as written and what it becomes."""

import pytest

from grantwire.collectors.iam.principals import principal, principals
from grantwire.contracts.resources import Kind
from tests.unit.collectors.policies import ACCOUNT, OTHER, ROLE, ROOT, USER

SAML_ARN = f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"
OIDC_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com/acme"
THIRD = "555566667777"
THEIR_ROLE = f"arn:aws:iam::{OTHER}:role/deploy"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-0123"
FEDERATED = f"arn:aws:sts::{OTHER}:federated-user/bob"
EXTERNAL = Kind.EXTERNAL_PRINCIPAL
OWN = frozenset({ACCOUNT})
BOTH = frozenset({ACCOUNT, OTHER})

TABLE = [
    # written under, as written, kind, native id, class, issuer
    ("AWS", "*", EXTERNAL, "*", "anyone", None),
    ("Service", "*", EXTERNAL, "*", "anyone", None),
    ("Federated", "*", EXTERNAL, "*", "anyone", None),
    ("AWS", ACCOUNT, Kind.ACCOUNT, ACCOUNT, None, None),
    ("AWS", ROOT, Kind.ACCOUNT, ACCOUNT, None, None),
    ("AWS", OTHER, EXTERNAL, OTHER, "account", None),
    ("AWS", f"arn:aws:iam::{OTHER}:root", EXTERNAL, OTHER, "account", None),
    ("AWS", f"arn:aws-cn:iam::{OTHER}:root", EXTERNAL, OTHER, "account", None),
    ("AWS", USER, Kind.IAM_USER, USER, None, None),
    ("AWS", ROLE, Kind.IAM_ROLE, ROLE, None, None),
    ("AWS", THEIR_ROLE, EXTERNAL, THEIR_ROLE, "unresolved", None),
    ("AWS", SESSION, EXTERNAL, SESSION, "session", None),
    ("AWS", FEDERATED, EXTERNAL, FEDERATED, "session", None),
    *(
        ("AWS", f"{kind}QX7EXAMPLE01234567", EXTERNAL, f"{kind}QX7EXAMPLE01234567", "deleted", None)
        for kind in ("AIDA", "AROA", "AGPA", "ANPA", "ASIA", "AKIA")
    ),
    ("Service", "ec2.amazonaws.com", EXTERNAL, "ec2.amazonaws.com", "service", None),
    ("Federated", SAML_ARN, EXTERNAL, SAML_ARN, "saml", "Okta"),
    ("Federated", OIDC_ARN, EXTERNAL, OIDC_ARN, "oidc", "token.actions.githubusercontent.com/acme"),
    ("Federated", "accounts.google.com", EXTERNAL, "accounts.google.com", "oidc", "accounts.google.com"),
    ("CanonicalUser", "79a59df900b949e5", EXTERNAL, "79a59df900b949e5", "canonical_user", None),
    ("AWS", "AIDA", EXTERNAL, "AIDA", "unresolved", None),
    ("AWS", "arn:aws:iam::aws:policy/ReadOnly", EXTERNAL, "arn:aws:iam::aws:policy/ReadOnly", "unresolved", None),
    ("AWS", "12345", EXTERNAL, "12345", "unresolved", None),
    ("AWS", f"arn:aws:iam::{ACCOUNT}:group/staff", EXTERNAL, f"arn:aws:iam::{ACCOUNT}:group/staff", "unresolved", None),
    ("Martian", "*", EXTERNAL, "*", "unresolved", None),
]


@pytest.mark.parametrize(("type_", "text", "kind", "native_id", "class_", "issuer"), TABLE)
def test_a_principal_becomes_what_the_table_says(
    type_: str, text: str, kind: Kind, native_id: str, class_: str | None, issuer: str | None
) -> None:
    found = principal(type_, text, OWN)
    assert (found.kind, found.native_id, found.principal_class, found.issuer) == (kind, native_id, class_, issuer)


@pytest.mark.parametrize(
    ("text", "kind", "native_id", "class_"),
    [
        (OTHER, Kind.ACCOUNT, OTHER, None),
        (f"arn:aws:iam::{OTHER}:root", Kind.ACCOUNT, OTHER, None),
        (f"arn:aws-us-gov:iam::{OTHER}:root", Kind.ACCOUNT, OTHER, None),
        (THEIR_ROLE, Kind.IAM_ROLE, THEIR_ROLE, None),
        (f"arn:aws:iam::{OTHER}:user/bob", Kind.IAM_USER, f"arn:aws:iam::{OTHER}:user/bob", None),
        (FEDERATED, EXTERNAL, FEDERATED, "session"),
        (THIRD, EXTERNAL, THIRD, "account"),
        (f"arn:aws:iam::{THIRD}:role/x", EXTERNAL, f"arn:aws:iam::{THIRD}:role/x", "unresolved"),
        (f"arn:aws:iam::{OTHER}:group/g", EXTERNAL, f"arn:aws:iam::{OTHER}:group/g", "unresolved"),
    ],
)
def test_a_principal_of_an_account_inside_is_that_resource(
    text: str, kind: Kind, native_id: str, class_: str | None
) -> None:
    found = principal("AWS", text, BOTH)
    assert (found.kind, found.native_id, found.principal_class) == (kind, native_id, class_)


def test_a_provider_of_an_account_inside_stays_external() -> None:
    arn = f"arn:aws:iam::{OTHER}:saml-provider/Okta"
    assert principal("Federated", arn, BOTH).kind is EXTERNAL


def test_an_account_inside_is_mentioned_and_its_principals_not_at_all() -> None:
    mention = principal("AWS", OTHER, BOTH).mention()
    assert mention is not None
    assert (mention.kind, mention.account) == (Kind.ACCOUNT, OTHER)
    assert principal("AWS", THEIR_ROLE, BOTH).mention() is None


def test_an_external_principal_is_mentioned_with_class_and_issuer() -> None:
    mention = principal("Federated", SAML_ARN, OWN).mention()
    assert mention is not None
    assert (mention.account, mention.name) == (None, SAML_ARN)
    assert mention.attributes == {"principal_class": "saml", "issuer": "Okta"}


def test_the_account_is_mentioned_by_its_id_and_own_principals_not_at_all() -> None:
    mention = principal("AWS", ROOT, OWN).mention()
    assert mention is not None
    assert (mention.kind, mention.account, mention.name, mention.attributes) == (Kind.ACCOUNT, ACCOUNT, ACCOUNT, {})
    assert principal("AWS", USER, OWN).mention() is None


def test_every_principal_of_an_element_is_named() -> None:
    element = {"AWS": [ROOT, OTHER], "Service": "ec2.amazonaws.com"}
    assert [each.native_id for each in principals(element, OWN)] == [ACCOUNT, OTHER, "ec2.amazonaws.com"]
    assert [each.principal_class for each in principals("*", OWN)] == ["anyone"]
    assert list(principals({"AWS": [None, 3, {}]}, OWN)) == []
