"""What a trust policy comes to, each case worked out by hand from docs/reference/iam-facts.md."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from grantwire.collectors.iam.statements import fits
from grantwire.collectors.iam.trust import knocks, role_class
from grantwire.contracts.resources import Kind
from tests.unit.collectors.policies import (
    ACCOUNT,
    ASSUME,
    MFA,
    OTHER,
    ROLE,
    ROOT,
    SAML,
    USER,
    WEB,
    allow,
    deny,
    policy,
    without,
)

BY_USER, BY_ROOT, ANYONE = {"AWS": USER}, {"AWS": ROOT}, {"AWS": "*"}
NOT_USER = {"NotPrincipal": BY_USER}
TAG = "sts:TagSession"
OWN = frozenset({ACCOUNT})

EFFECTS = [
    # 3: an unconditional Allow
    ("allow", policy(allow(BY_USER)), {USER: "allow"}),
    ("allow in any letter case", policy(allow(BY_USER, "STS:assumerole")), {USER: "allow"}),
    ("allow by a pattern", policy(allow(BY_USER, "sts:Assume*")), {USER: "allow"}),
    ("allow by another pattern", policy(allow(BY_USER, "s?s:AssumeRol?")), {USER: "allow"}),
    ("allow everything", policy(allow(BY_USER, "*")), {USER: "allow"}),
    ("one statement, not in a list", {"Statement": allow(BY_USER)}, {USER: "allow"}),
    ("one relation for each principal", policy(allow({"AWS": [USER, ROLE]})), {USER: "allow", ROLE: "allow"}),
    ("a bare star", policy(allow("*")), {"*": "allow"}),
    ("allowed twice, once freely", policy(allow(BY_USER), allow(BY_USER, Condition=MFA)), {USER: "allow"}),
    ("allowed through everybody", policy(allow(BY_USER, Condition=MFA), allow(ANYONE)), {USER: "allow", "*": "allow"}),
    (
        "allowed through its account",
        policy(allow(BY_USER, Condition=MFA), allow(BY_ROOT)),
        {USER: "allow", ACCOUNT: "allow"},
    ),
    # 4: conditional
    ("with a condition", policy(allow(BY_USER, Condition=MFA)), {USER: "conditional"}),
    (
        "the free one is denied",
        policy(allow(BY_USER), allow(BY_USER, SAML, Condition=MFA), deny(BY_USER)),
        {USER: "conditional"},
    ),
    # says nothing
    ("another action", policy(allow(BY_USER, TAG)), {}),
    ("NotAction that leaves nothing", policy(without(allow(BY_USER), "Action", NotAction="sts:*")), {}),
    ("no statement", {"Version": "2012-10-17"}, {}),
    ("text", "this is not JSON", {}),
    ("nobody", policy(without(allow(BY_USER), "Principal")), {}),
    # 1: denied
    ("denied only", policy(deny(BY_USER)), {USER: "denied"}),
    ("allowed and denied", policy(allow(BY_USER), deny(BY_USER)), {USER: "denied"}),
    ("denied by pattern", policy(allow(BY_USER), deny(BY_USER, "sts:*")), {USER: "denied"}),
    ("denied through everybody", policy(allow(BY_USER), deny("*")), {USER: "denied", "*": "denied"}),
    ("denied through its account", policy(allow(BY_USER), deny(BY_ROOT)), {USER: "denied", ACCOUNT: "denied"}),
    ("denied under a condition is not denied", policy(allow(BY_USER), deny(BY_USER, Condition=MFA)), {USER: "allow"}),
    ("another action denied", policy(allow(BY_USER), deny(BY_USER, SAML)), {USER: "allow"}),
    (
        "a user denied does not deny its account",
        policy(allow(BY_ROOT), deny(BY_USER)),
        {ACCOUNT: "allow", USER: "denied"},
    ),
    (
        "conditional and all denied",
        policy(allow(BY_USER, Condition=MFA), deny(BY_USER, "*")),
        {USER: "denied"},
    ),
    # 2: unknown
    ("only NotAction allows", policy(without(allow(BY_USER), "Action", NotAction=TAG)), {USER: "unknown"}),
    ("NotAction may deny", policy(allow(BY_USER), without(deny(BY_USER), "Action", NotAction=TAG)), {USER: "unknown"}),
    (
        "NotAction cannot turn an allow",
        policy(allow(BY_USER), without(allow(BY_USER), "Action", NotAction=TAG)),
        {USER: "allow"},
    ),
    (
        "NotAction may turn a conditional",
        policy(allow(BY_USER, Condition=MFA), without(allow(BY_USER), "Action", NotAction=TAG)),
        {USER: "unknown"},
    ),
    ("an unknown element", policy(allow(BY_USER, Resource="*")), {USER: "unknown"}),
    ("an unknown effect", policy(without(allow(BY_USER), "Effect", Effect="Perhaps")), {USER: "unknown"}),
    ("an unknown effect beside an allow", policy(allow(BY_USER), allow(BY_USER) | {"Effect": "?"}), {USER: "unknown"}),
    ("an effect of another letter case", policy(allow(BY_USER) | {"Effect": "allow"}), {USER: "unknown"}),
    # NotPrincipal
    ("Allow with NotPrincipal", policy(without(allow({}), "Principal", **NOT_USER)), {"*": "unknown"}),
    (
        "Allow with NotPrincipal cannot turn an allow",
        policy(allow(BY_USER), without(allow({}), "Principal", **NOT_USER)),
        {USER: "allow", "*": "unknown"},
    ),
    (
        "Deny with NotPrincipal makes the rest unknown",
        policy(allow({"AWS": [USER, ROLE]}), without(deny({}), "Principal", **NOT_USER)),
        {USER: "unknown", ROLE: "unknown"},
    ),
    (
        "but what is denied stays so",
        policy(allow(BY_USER), deny(BY_USER), without(deny({}), "Principal", **NOT_USER)),
        {USER: "denied"},
    ),
]


@pytest.mark.parametrize(("document", "wanted"), [case[1:] for case in EFFECTS], ids=[case[0] for case in EFFECTS])
def test_the_effect_is_what_the_rules_say(document: Any, wanted: dict[str, str]) -> None:
    assert {knock.principal.native_id: knock.effect for knock in knocks(document, OWN)} == wanted


def test_a_user_inside_is_matched_through_its_account_as_one_of_the_roles_own_account_is() -> None:
    theirs = f"arn:aws:iam::{OTHER}:user/bob"
    document = policy(allow({"AWS": theirs}), deny({"AWS": f"arn:aws:iam::{OTHER}:root"}))
    for inside, kinds in (
        (OWN | {OTHER}, {Kind.IAM_USER, Kind.ACCOUNT}),
        (OWN, {Kind.EXTERNAL_PRINCIPAL}),
    ):
        found = knocks(document, inside)
        assert {knock.principal.native_id: knock.effect for knock in found} == {theirs: "denied", OTHER: "denied"}
        assert {knock.principal.kind for knock in found} == kinds


def test_digits_and_root_of_an_account_inside_are_one_principal() -> None:
    document = policy(allow({"AWS": OTHER}, Condition=MFA), allow({"AWS": f"arn:aws:iam::{OTHER}:root"}))
    [found] = knocks(document, OWN | {OTHER})
    assert (found.principal.native_id, found.effect, len(found.statements)) == (OTHER, "allow", 2)


def test_statements_are_those_that_match_as_written_and_in_one_order() -> None:
    first = allow(BY_USER, [ASSUME, TAG], Sid="b", Condition=MFA)
    second = deny(BY_ROOT, SAML, Condition=MFA)
    third = without(allow(BY_USER), "Action", NotAction=[TAG])
    fourth = without(deny({}), "Principal", **NOT_USER)
    stranger = allow({"Service": "ec2.amazonaws.com"})
    wanted = [
        {"sid": None, "effect": "Allow", "actions": [], "conditions": {}, "not_actions": [TAG]},
        {"sid": "b", "effect": "Allow", "actions": [ASSUME, TAG], "conditions": MFA},
        {"sid": None, "effect": "Deny", "actions": [ASSUME], "conditions": {}, "not_principals": BY_USER},
        {"sid": None, "effect": "Deny", "actions": [SAML], "conditions": MFA},
    ]
    shown = []
    for order in ([first, second, third, fourth, stranger], [stranger, fourth, third, second, first]):
        found = {knock.principal.native_id: knock.statements for knock in knocks(policy(*order), OWN)}
        shown.append(found[USER])
    assert shown[0] == shown[1]
    assert sorted(map(str, shown[0])) == sorted(map(str, wanted))


CLASSES = [
    ("/aws-service-role/x/", policy(allow({"AWS": OTHER})), "service_linked"),
    ("/aws-reserved/sso.amazonaws.com/eu-west-1/", policy(allow({"Federated": "x"}, SAML)), "sso_reserved"),
    ("/", policy(allow({"AWS": OTHER, "Service": "ec2.amazonaws.com"})), "service"),
    ("/", policy(allow({"Federated": "accounts.google.com"}, WEB), allow({"AWS": OTHER})), "oidc"),
    ("/", policy(allow({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"}, SAML)), "saml"),
    ("/", policy(allow({"AWS": OTHER})), "cross_account"),
    ("/", policy(allow({"AWS": f"arn:aws:iam::{OTHER}:role/x"})), "cross_account"),
    ("/", policy(allow("*")), "cross_account"),
    ("/", policy(allow({"AWS": "AROAQX7EXAMPLE0123456"})), "account"),
    ("/", policy(allow(BY_ROOT)), "account"),
    ("/", policy(deny({"AWS": OTHER}), allow(BY_USER)), "account"),
    ("/", policy(allow({"AWS": OTHER}, TAG), allow(BY_USER)), "account"),
    ("/", "not a policy", "account"),
]


@pytest.mark.parametrize(("path", "document", "wanted"), CLASSES)
def test_the_class_of_a_role_is_the_first_that_fits(path: str, document: Any, wanted: str) -> None:
    assert role_class(path, document, ACCOUNT) == wanted


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [("*", "", True), ("a*c", "abbc", True), ("a*c", "abcd", False), ("a?c", "ac", False), ("*b*", "abc", True)],
)
def test_stars_and_question_marks_fit_as_aws_means_them(pattern: str, text: str, wanted: bool) -> None:
    assert fits(pattern, text) is wanted


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not fits("*a" * 500 + "b", "a" * 60)


words = some.sampled_from(["*", USER, ROOT, OTHER, ASSUME, "sts:*", "Allow", "Deny", "\ud800", "\x00", ""])
scalars = some.none() | some.booleans() | some.integers() | some.floats() | words | some.text(max_size=8)
json_values = some.recursive(
    scalars, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(words, inner, max_size=3), max_leaves=12
)
elements = some.sampled_from(
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition", "Resource"]
)
odd_statements = some.dictionaries(elements, json_values, max_size=6)


@given(some.one_of(json_values, odd_statements.map(policy), some.lists(odd_statements).map(lambda s: policy(*s))))
def test_no_document_stops_the_reader(document: Any) -> None:
    found = knocks(document, OWN)
    assert all(knock.effect in ("allow", "conditional", "denied", "unknown") for knock in found)
    assert len({knock.principal.key for knock in found}) == len(found)
    role_class("/", document, ACCOUNT)


plain = some.builds(
    lambda make, who, what, when: make(who, what, **({"Condition": MFA} if when else {})),
    some.sampled_from([allow, deny]),
    some.sampled_from([BY_USER, BY_ROOT, ANYONE, {"AWS": OTHER}]),
    some.sampled_from([ASSUME, SAML, "sts:*"]),
    some.booleans(),
)


@given(some.lists(plain, max_size=5), some.randoms())
def test_the_order_of_statements_means_nothing(statements: list[Any], random: Any) -> None:
    shuffled = random.sample(statements, len(statements))
    before = {knock.principal.key: knock for knock in knocks(policy(*statements), OWN)}
    assert {knock.principal.key: knock for knock in knocks(policy(*shuffled), OWN)} == before
