"""Planted trust policies of the common kinds, each with its meaning written down by hand.

The rules that the answers follow are those of `docs/reference/iam-facts.md`; the comment of a case names the one it is
about. Nothing here reads a policy: an expectation that were computed would prove nothing. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grantwire.sandbox.facts import Claim, Expectation, bound

ASSUME, SAML, WEB = "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"


@dataclass(frozen=True)
class Cast:
    """Who may appear in a trust policy: users and roles by unique id, accounts by their digits."""

    account: str
    other: str
    third: str
    user: str
    second_user: str
    role: str
    twin: str  # the role that the next case makes: two roles that trust each other
    before: str  # the role that the case before made: chains
    gone: str  # a user id that nobody has any more
    neighbour: str = ""  # another account of the organization, with a user and a role of it
    neighbour_user: str = ""
    neighbour_role: str = ""

    @property
    def root(self) -> str:
        return f"arn:aws:iam::{self.account}:root"

    @property
    def other_root(self) -> str:
        return f"arn:aws:iam::{self.other}:root"


Trust = tuple[dict[str, Any], Expectation]
Case = Callable[[Cast], Trust]


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(principal: Any, action: Any = ASSUME, **more: Any) -> dict[str, Any]:
    """An Allow statement as it stands in a policy."""
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def deny(principal: Any, action: Any = ASSUME, **more: Any) -> dict[str, Any]:
    """A Deny statement as it stands in a policy."""
    return {"Effect": "Deny", "Principal": principal, "Action": action, **more}


def said(effect: str, *actions: str, sid: str | None = None, when: Any = None, **more: Any) -> dict[str, Any]:
    """One entry of `statements` as the export shows it."""
    return {"sid": sid, "effect": effect, "actions": sorted(actions), "conditions": when or {}, **more}


YES = said("Allow", ASSUME)
NO = said("Deny", ASSUME)


def meaning(role_class: str, *claims: Claim, brittle: bool = False) -> Expectation:
    """What a trust policy means."""
    return Expectation(role_class, claims, brittle)


def own_user(unique_id: str, effect: str, *statements: dict[str, Any]) -> Claim:
    """An own user as source."""
    return Claim(unique_id, "iam_user", effect, statements)


def own_role(unique_id: str, effect: str, *statements: dict[str, Any]) -> Claim:
    """An own role as source."""
    return Claim(unique_id, "iam_role", effect, statements)


def own_account(cast: Cast, effect: str, *statements: dict[str, Any]) -> Claim:
    """The role's own account as source."""
    return Claim(cast.account, "account", effect, statements)


def outsider(
    source: str,
    principal_class: str,
    effect: str,
    *statements: dict[str, Any],
    issuer: str | None = None,
    inside: bool | None = None,
) -> Claim:
    """Anything else as source. `inside`: its id holds the number of the simulated account."""
    return Claim(source, "external_principal", effect, statements, principal_class, issuer, inside)


def one_service(_: Cast) -> Trust:
    # A service principal makes the class `service`.
    return document(allow({"Service": "ec2.amazonaws.com"})), meaning(
        "service", outsider("ec2.amazonaws.com", "service", "allow", YES)
    )


def several_services(_: Cast) -> Trust:
    # A list of principals: one relation each.
    return document(allow({"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]})), meaning(
        "service",
        outsider("lambda.amazonaws.com", "service", "allow", YES),
        outsider("edgelambda.amazonaws.com", "service", "allow", YES),
    )


def own_root(cast: Cast) -> Trust:
    # The root ARN of the own account is the `account`.
    return document(allow({"AWS": cast.root})), meaning("account", own_account(cast, "allow", YES))


def own_digits_and_root(cast: Cast) -> Trust:
    # Digits and root ARN are the same principal: one relation. A single statement may stand without a list.
    policy = {"Version": "2012-10-17", "Statement": allow({"AWS": [cast.account, cast.root]})}
    return policy, meaning("account", own_account(cast, "allow", YES))


def one_user(cast: Cast) -> Trust:
    # An own user is that user.
    return document(allow({"AWS": bound(cast.user)})), meaning("account", own_user(cast.user, "allow", YES))


def two_users_one_with_mfa(cast: Cast) -> Trust:
    # A condition makes its own principal `conditional` and leaves the other alone.
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return document(
        allow({"AWS": [bound(cast.user)]}, Sid="Plain"),
        allow({"AWS": bound(cast.second_user)}, [ASSUME], Sid="WithMfa", Condition=mfa),
    ), meaning(
        "account",
        own_user(cast.user, "allow", said("Allow", ASSUME, sid="Plain")),
        own_user(cast.second_user, "conditional", said("Allow", ASSUME, sid="WithMfa", when=mfa)),
    )


def chain(cast: Cast) -> Trust:
    # An own role is that role: chains of roles.
    return document(allow({"AWS": bound(cast.before)})), meaning("account", own_role(cast.before, "allow", YES))


def cycle(cast: Cast) -> Trust:
    # The case after this one is `chain`, which trusts this role: a cycle of two.
    return document(allow({"AWS": bound(cast.twin)})), meaning("account", own_role(cast.twin, "allow", YES))


def foreign_root_with_external_id(cast: Cast) -> Trust:
    # The root of another account is the external principal of its digits; ExternalId is a condition.
    when = {"StringEquals": {"sts:ExternalId": "partner-4711"}}
    return document(allow({"AWS": cast.other_root}, Condition=when)), meaning(
        "cross_account", outsider(cast.other, "account", "conditional", said("Allow", ASSUME, when=when))
    )


def foreign_digits(cast: Cast) -> Trust:
    # Digits alone are the account too.
    return document(allow({"AWS": cast.other})), meaning("cross_account", outsider(cast.other, "account", "allow", YES))


def foreign_role(cast: Cast) -> Trust:
    # A role of another account stays the ARN as written, `unresolved`.
    arn = f"arn:aws:iam::{cast.other}:role/ci/deployer"
    return document(allow({"AWS": arn})), meaning("cross_account", outsider(arn, "unresolved", "allow", YES))


def foreign_user_and_its_account(cast: Cast) -> Trust:
    # The statement that names the account matches its user as well, not the other way round.
    arn, when = f"arn:aws:iam::{cast.other}:user/auditor", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    guarded = said("Allow", ASSUME, sid="Account", when=when)
    return document(
        allow({"AWS": arn}, Sid="User"), allow({"AWS": cast.other_root}, Sid="Account", Condition=when)
    ), meaning(
        "cross_account",
        outsider(arn, "unresolved", "allow", said("Allow", ASSUME, sid="User"), guarded),
        outsider(cast.other, "account", "conditional", guarded),
    )


def anyone(_: Cast) -> Trust:
    # A bare `*` is anyone.
    return document(allow("*")), meaning("cross_account", outsider("*", "anyone", "allow", YES))


def anyone_of_an_organization(_: Cast) -> Trust:
    # `*` under AWS is the same principal; the condition is kept, not judged.
    when = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    return document(allow({"AWS": "*"}, Condition=when)), meaning(
        "cross_account", outsider("*", "anyone", "conditional", said("Allow", ASSUME, when=when))
    )


def anyone_but_one_account(cast: Cast) -> Trust:
    # The Deny names an account and so does not match `*`; the account is matched by both.
    return document(allow({"AWS": "*"}), deny({"AWS": cast.other_root})), meaning(
        "cross_account",
        outsider("*", "anyone", "allow", YES),
        outsider(cast.other, "account", "denied", YES, NO),
    )


def saml(cast: Cast) -> Trust:
    # A SAML provider: the issuer is the provider's name. Its ARN holds the own account's number.
    arn = f"arn:aws:iam::{cast.account}:saml-provider/Okta"
    when = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    return document(allow({"Federated": arn}, SAML, Condition=when)), meaning(
        "saml",
        outsider(arn, "saml", "conditional", said("Allow", SAML, when=when), issuer="Okta", inside=True),
    )


def github(cast: Cast) -> Trust:
    # An OIDC provider: the issuer is host and path.
    host = "token.actions.githubusercontent.com"
    arn = f"arn:aws:iam::{cast.account}:oidc-provider/{host}"
    when = {
        "StringEquals": {f"{host}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{host}:sub": ["repo:acme/payments:ref:refs/heads/main", "repo:acme/payments:environment:*"]},
    }
    return document(allow({"Federated": arn}, WEB, Condition=when)), meaning(
        "oidc", outsider(arn, "oidc", "conditional", said("Allow", WEB, when=when), issuer=host, inside=True)
    )


def eks(cast: Cast) -> Trust:
    # An issuer with a path, and no condition: any workload of the cluster.
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
    arn = f"arn:aws:iam::{cast.account}:oidc-provider/{issuer}"
    return document(allow({"Federated": arn}, [WEB])), meaning(
        "oidc", outsider(arn, "oidc", "allow", said("Allow", WEB), issuer=issuer, inside=True)
    )


def bare_host(_: Cast) -> Trust:
    # A bare host under Federated is OIDC too; no account in its id.
    when = {"StringEquals": {"accounts.google.com:aud": "66677788899900pro0"}}
    return document(allow({"Federated": "accounts.google.com"}, WEB, Condition=when)), meaning(
        "oidc",
        outsider(
            "accounts.google.com", "oidc", "conditional", said("Allow", WEB, when=when), issuer="accounts.google.com"
        ),
    )


def deleted_user(cast: Cast) -> Trust:
    # A unique id is a principal that no longer exists; it does not make a role `cross_account`.
    return document(allow({"AWS": cast.gone})), meaning("account", outsider(cast.gone, "deleted", "allow", YES))


def deleted_role_and_user(cast: Cast) -> Trust:
    # Deleted principals stand beside living ones in one list.
    gone = "AROA" + cast.gone[4:]
    return document(allow({"AWS": [gone, bound(cast.user)]})), meaning(
        "account", outsider(gone, "deleted", "allow", YES), own_user(cast.user, "allow", YES)
    )


COMMON: tuple[Case, ...] = (
    one_service,
    several_services,
    own_root,
    own_digits_and_root,
    one_user,
    two_users_one_with_mfa,
    cycle,
    chain,
    foreign_root_with_external_id,
    foreign_digits,
    foreign_role,
    foreign_user_and_its_account,
    anyone,
    anyone_of_an_organization,
    anyone_but_one_account,
    saml,
    github,
    eks,
    bare_host,
    deleted_user,
    deleted_role_and_user,
)
