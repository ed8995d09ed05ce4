"""Planted trust policies that are easy to misread: Deny, Not*, letter case, wildcards, several statements.

As in `trusts`, every answer is written by hand after `docs/reference/iam-facts.md`. Standard library only.
"""

from __future__ import annotations

from grantwire.sandbox.facts import bound
from grantwire.sandbox.trusts import (
    ASSUME,
    NO,
    SAML,
    WEB,
    YES,
    Case,
    Cast,
    Trust,
    allow,
    deny,
    document,
    meaning,
    outsider,
    own_account,
    own_user,
    said,
)

MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


def denied(cast: Cast) -> Trust:
    # Rule 1: an unconditional Deny of every allowed action.
    return document(allow({"AWS": bound(cast.user)}), deny({"AWS": bound(cast.user)})), meaning(
        "account", own_user(cast.user, "denied", YES, NO)
    )


def denied_when(cast: Cast) -> Trust:
    # A conditional Deny does not change the effect; it is kept.
    return document(allow({"AWS": bound(cast.user)}), deny({"AWS": bound(cast.user)}, Condition=MFA)), meaning(
        "account", own_user(cast.user, "allow", YES, said("Deny", ASSUME, when=MFA))
    )


def denied_other_action(cast: Cast) -> Trust:
    # A statement about no assume action says nothing here, so the Deny is not even kept.
    return document(
        allow({"AWS": cast.root}, ["sts:TagSession", ASSUME]), deny({"AWS": cast.root}, "sts:TagSession")
    ), meaning("account", own_account(cast, "allow", said("Allow", ASSUME, "sts:TagSession")))


def everybody_denied(cast: Cast) -> Trust:
    # `*` in a Deny matches every principal; itself it is allowed nothing, so it is denied too.
    return document(allow({"AWS": cast.root}), deny("*")), meaning(
        "account", own_account(cast, "denied", YES, NO), outsider("*", "anyone", "denied", NO)
    )


def everybody_needs_mfa(cast: Cast) -> Trust:
    # The Deny is conditional: the account stays allowed. `*` is allowed nothing: denied.
    guard = said("Deny", ASSUME, when=MFA)
    return document(allow({"AWS": cast.root}), deny({"AWS": "*"}, Condition=MFA)), meaning(
        "account", own_account(cast, "allow", YES, guard), outsider("*", "anyone", "denied", guard)
    )


def account_denies_user(cast: Cast) -> Trust:
    # The user is matched through its account as well: allowed by name, denied through the account. If the user were
    # deleted, its id would no longer belong to the account: brittle.
    return document(allow({"AWS": bound(cast.user)}), deny({"AWS": cast.root})), meaning(
        "account", own_user(cast.user, "denied", YES, NO), own_account(cast, "denied", NO), brittle=True
    )


def account_allows_user_with_mfa(cast: Cast) -> Trust:
    # By name only with a condition, through the account without: allowed. Both statements are the user's.
    when = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return document(allow({"AWS": bound(cast.user)}, Condition=when), allow({"AWS": cast.account})), meaning(
        "account",
        own_user(cast.user, "allow", said("Allow", ASSUME, when=when), YES),
        own_account(cast, "allow", YES),
        brittle=True,
    )


def denied_in_part(cast: Cast) -> Trust:
    # The Deny takes AssumeRole, the Allow gives AssumeRoleWithSAML: still conditional. `*` is allowed nothing.
    arn = f"arn:aws:iam::{cast.account}:saml-provider/ADFS"
    when = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    return document(allow({"Federated": arn}, SAML, Condition=when), deny("*")), meaning(
        "saml",
        outsider(arn, "saml", "conditional", said("Allow", SAML, when=when), NO, issuer="ADFS", inside=True),
        outsider("*", "anyone", "denied", NO),
    )


def denied_by_wildcard(cast: Cast) -> Trust:
    # `sts:Assume*` denies all three assume actions, in any letter case.
    no = said("Deny", "STS:assume*")
    return document(allow({"AWS": cast.other}, "sts:*"), deny({"AWS": cast.other}, "STS:assume*")), meaning(
        "cross_account", outsider(cast.other, "account", "denied", said("Allow", "sts:*"), no)
    )


def deny_not_principal(cast: Cast) -> Trust:
    # A Deny with NotPrincipal makes every other answer unknown; it names nobody itself.
    spared = {"AWS": [f"arn:aws:iam::{cast.third}:root", f"arn:aws:iam::{cast.third}:user/owner"]}
    barred = {"Effect": "Deny", "NotPrincipal": spared, "Action": ASSUME}
    return document(allow({"AWS": cast.root}), barred), meaning(
        "account", own_account(cast, "unknown", YES, said("Deny", ASSUME, not_principals=spared))
    )


def allow_not_principal(cast: Cast) -> Trust:
    # An Allow with NotPrincipal names nobody: one relation from `*`, unknown. No AWS principal is named: `account`.
    spared = {"AWS": f"arn:aws:iam::{cast.other}:root"}
    return document({"Effect": "Allow", "NotPrincipal": spared, "Action": ASSUME}), meaning(
        "account", outsider("*", "anyone", "unknown", said("Allow", ASSUME, not_principals=spared))
    )


def not_action(cast: Cast) -> Trust:
    # An Allow with NotAction could allow: unknown.
    return document({"Effect": "Allow", "Principal": {"AWS": cast.root}, "NotAction": ["iam:*"]}), meaning(
        "account", own_account(cast, "unknown", said("Allow", not_actions=["iam:*"]))
    )


def letter_case(cast: Cast) -> Trust:
    # Actions match without regard to case; they are kept as written.
    return document(allow({"AWS": cast.root}, "STS:assumerole")), meaning(
        "account", own_account(cast, "allow", said("Allow", "STS:assumerole"))
    )


def wildcards(cast: Cast) -> Trust:
    # `*`, `sts:*` and `?` all cover sts:AssumeRole.
    return document(
        allow({"AWS": cast.root}, "*", Sid="Star"),
        allow({"AWS": cast.other}, ["sts:*"], Sid="Service"),
        allow({"AWS": bound(cast.second_user)}, "sts:AssumeRol?", Sid="Mark"),
    ), meaning(
        "cross_account",
        own_account(cast, "allow", said("Allow", "*", sid="Star")),
        outsider(cast.other, "account", "allow", said("Allow", "sts:*", sid="Service")),
        # matched by name and through the account
        own_user(
            cast.second_user, "allow", said("Allow", "sts:AssumeRol?", sid="Mark"), said("Allow", "*", sid="Star")
        ),
        brittle=True,
    )


def two_conditions(cast: Cast) -> Trust:
    # Several statements for one principal are one relation; all of them conditional.
    by_address = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}
    by_id = {"StringEquals": {"sts:ExternalId": '<b>&"it\'s"=1+1'}}
    return document(
        allow({"AWS": cast.other}, Condition=by_address, Sid="Same"), allow({"AWS": cast.other}, Condition=by_id)
    ), meaning(
        "cross_account",
        outsider(
            cast.other,
            "account",
            "conditional",
            said("Allow", ASSUME, sid="Same", when=by_address),
            said("Allow", ASSUME, when=by_id),
        ),
    )


def condition_and_none(cast: Cast) -> Trust:
    # One unconditional Allow is enough.
    when = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-ab12/ou-ab12-*"]}}
    return document(allow({"AWS": cast.other}, Condition=when), allow({"AWS": cast.other_root})), meaning(
        "cross_account", outsider(cast.other, "account", "allow", said("Allow", ASSUME, when=when), YES)
    )


def mixed_principals(cast: Cast) -> Trust:
    # One statement, three kinds of principal; the class is the first that applies: `service`.
    arn = f"arn:aws:iam::{cast.account}:oidc-provider/gitlab.example.com"
    both = said("Allow", ASSUME, WEB)
    principal = {"AWS": [cast.third], "Service": "codebuild.amazonaws.com", "Federated": arn}
    return document(allow(principal, [WEB, ASSUME])), meaning(
        "service",
        outsider(cast.third, "account", "allow", both),
        outsider("codebuild.amazonaws.com", "service", "allow", both),
        outsider(arn, "oidc", "allow", both, issuer="gitlab.example.com", inside=True),
    )


def nobody(cast: Cast) -> Trust:
    # A policy about another action only: no relation, and nobody is let in, so the class is `account`.
    return document(allow({"AWS": cast.other}, "sts:TagSession")), meaning("account")


def only_denied(cast: Cast) -> Trust:
    # Nothing allows it: denied. A Deny does not make a class.
    return document(deny({"AWS": cast.other})), meaning("account", outsider(cast.other, "account", "denied", NO))


def guarded_service(cast: Cast) -> Trust:
    # The guard against the confused deputy is a condition like any other.
    when = {
        "StringEquals": {"aws:SourceAccount": cast.account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{'x' * 40}*"},
    }
    return document(allow({"Service": "s3.amazonaws.com"}, Condition=when)), meaning(
        "service", outsider("s3.amazonaws.com", "service", "conditional", said("Allow", ASSUME, when=when))
    )


def own_session(cast: Cast) -> Trust:
    # A session of the own account is external (class `session`), but its id holds the own account's number.
    arn = f"arn:aws:sts::{cast.account}:assumed-role/Pipeline/build-17"
    return document(allow({"AWS": arn})), meaning("account", outsider(arn, "session", "allow", YES, inside=True))


def foreign_session(cast: Cast) -> Trust:
    # A session of another account makes the role `cross_account`.
    arn = f"arn:aws:sts::{cast.other}:assumed-role/Pipeline/build-18"
    return document(allow({"AWS": arn})), meaning("cross_account", outsider(arn, "session", "allow", YES))


ODD: tuple[Case, ...] = (
    denied,
    denied_when,
    denied_other_action,
    everybody_denied,
    everybody_needs_mfa,
    account_denies_user,
    account_allows_user_with_mfa,
    denied_in_part,
    denied_by_wildcard,
    deny_not_principal,
    allow_not_principal,
    not_action,
    letter_case,
    wildcards,
    two_conditions,
    condition_and_none,
    mixed_principals,
    nobody,
    only_denied,
    guarded_service,
    own_session,
    foreign_session,
)


def linked(service: str) -> Trust:
    """The trust of a service-linked role: its path makes the class."""
    return document(allow({"Service": service})), meaning("service_linked", outsider(service, "service", "allow", YES))


def reserved(account: str, provider_id: str) -> Trust:
    """The trust of a role that Identity Center made: SAML by its own provider; its path makes the class."""
    name = f"AWSSSO_{provider_id}_DO_NOT_DELETE"
    arn = f"arn:aws:iam::{account}:saml-provider/{name}"
    when = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    statement = said("Allow", SAML, "sts:TagSession", when=when)
    return document(allow({"Federated": arn}, [SAML, "sts:TagSession"], Condition=when)), meaning(
        "sso_reserved", outsider(arn, "saml", "conditional", statement, issuer=name, inside=True)
    )


def connector(operator_arn: str, external_id: str) -> Trust:
    """The trust of a role made for a connector: one user of another account, with an external id."""
    when = {"StringEquals": {"sts:ExternalId": external_id}}
    return document(allow({"AWS": operator_arn}, Condition=when)), meaning(
        "cross_account", outsider(operator_arn, "unresolved", "conditional", said("Allow", ASSUME, when=when))
    )
