"""Typed answers into rows, by docs/reference/iam-facts.md."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from grantwire.aws.iam.shapes import AttachedPolicy, GroupMembers, Holdings, InlinePolicy, PolicyDetail
from grantwire.collectors.iam.answers import BulkAnswers, MinimumAnswers
from grantwire.collectors.iam.facts import emails, facts_from_bulk, facts_from_minimum
from grantwire.contracts import chunks
from grantwire.contracts.policies import aws_policy
from grantwire.contracts.resources import Facts, Kind, RelationKind, Resource
from tests.unit.collectors.answers import (
    AT,
    bulk,
    details,
    entity,
    group,
    listed_group,
    listed_role,
    listed_user,
    role,
    user,
)
from tests.unit.collectors.policies import ACCOUNT

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
NESTED = "arn:aws:iam::aws:policy/service-role/deep/AWSConfigRole"
OWN = f"arn:aws:iam::{ACCOUNT}:policy/own"
SOME = Holdings(
    inline=(InlinePolicy(name="in", document={"v": 1}),),
    attached=(AttachedPolicy(arn=READ_ONLY, name="ReadOnlyAccess"), AttachedPolicy(arn=OWN, name="own")),
    boundary=NESTED,
)
FULL = details(
    users=[user("ada", groups=("staff",), holdings=SOME, tags={"EMail": "ada@x.org"}), user("bob")],
    groups=[group("staff", holdings=Holdings(inline=SOME.inline))],
    roles=[role("app", last_used_at=AT, last_used_region="eu-west-1", tags={"k": "v"})],
    policies=[
        PolicyDetail(
            **entity("policy", "own"), description=None, default_version="v2", document={"v": 2}, updated_at=None
        )
    ],
)


def by_id(facts: Facts) -> dict[str, Resource]:
    return {row.native_id: row for row in facts.resources}


def relations(facts: Facts) -> set[tuple[str, str, str]]:
    def short(native_id: str) -> str:
        return native_id.rpartition("/")[2]

    return {(row.kind.value, short(row.source), short(row.target)) for row in facts.relations}


def test_a_bulk_reading_says_everything_but_what_it_cannot_know() -> None:
    rows = by_id(facts_from_bulk(ACCOUNT, bulk(FULL)))
    basics = {"path": "/", "created_at": "2024-01-02T03:04:05Z"}
    assert rows[f"arn:aws:iam::{ACCOUNT}:user/ada"].attributes == basics | {
        "unique_id": "IDADA",
        "is_root": False,
        "tags": {"EMail": "ada@x.org"},
        "emails": ["ada@x.org"],
        "password_last_used": None,
    }
    assert rows[f"arn:aws:iam::{ACCOUNT}:group/staff"].attributes == basics | {"unique_id": "IDSTAFF"}
    app = dict(rows[f"arn:aws:iam::{ACCOUNT}:role/app"].attributes)
    assert app.pop("trust_policy")["Statement"]
    assert app == basics | {
        "unique_id": "IDAPP",
        "role_class": "account",
        "description": None,
        "max_session_duration": 3600,
        "last_used_at": "2024-01-02T03:04:05Z",
        "last_used_region": "eu-west-1",
        "tags": {"k": "v"},
    }
    assert rows[OWN].attributes == basics | {
        "unique_id": "IDOWN",
        "managed_by": "customer",
        "description": None,
        "default_version": "v2",
        "document": {"v": 2},
        "updated_at": None,
    }
    inline = rows[f"arn:aws:iam::{ACCOUNT}:user/ada#in"]
    assert (inline.kind, inline.account, inline.name) == (Kind.INLINE_POLICY, ACCOUNT, "in")
    assert inline.attributes == {"document": {"v": 1}}


def test_a_bulk_reading_relates_everything() -> None:
    facts = facts_from_bulk(ACCOUNT, bulk(FULL))
    assert relations(facts) == {
        ("contains", ACCOUNT, "ada"),
        ("contains", ACCOUNT, "bob"),
        ("contains", ACCOUNT, "staff"),
        ("contains", ACCOUNT, "app"),
        ("contains", ACCOUNT, "own"),
        ("member_of", "ada", "staff"),
        ("attached", "ada#in", "ada"),
        ("attached", "staff#in", "staff"),
        ("attached", "ReadOnlyAccess", "ada"),
        ("attached", "own", "ada"),
        ("bounded_by", "ada", "AWSConfigRole"),
        ("can_assume", ACCOUNT, "app"),
    }


def test_what_no_scope_owns_is_mentioned_once_by_identity() -> None:
    facts = facts_from_bulk(ACCOUNT, bulk(FULL))
    assert {(row.native_id, row.account, row.name) for row in facts.mentions} == {
        (ACCOUNT, ACCOUNT, ACCOUNT),
        (READ_ONLY, None, "ReadOnlyAccess"),
        (NESTED, None, "AWSConfigRole"),
    }
    paths = {row.native_id: row.attributes for row in facts.mentions if row.kind is Kind.IAM_POLICY}
    assert paths == {
        READ_ONLY: {"managed_by": "aws", "path": "/"},
        NESTED: {"managed_by": "aws", "path": "/service-role/deep/"},
    }
    assert aws_policy(OWN) is None


def test_a_sweep_that_was_denied_leaves_its_attributes_out() -> None:
    rows = by_id(facts_from_bulk(ACCOUNT, bulk(FULL, sweeps=False)))
    assert "password_last_used" not in rows[f"arn:aws:iam::{ACCOUNT}:user/ada"].attributes
    assert not {"description", "max_session_duration"} & rows[f"arn:aws:iam::{ACCOUNT}:role/app"].attributes.keys()


def test_a_user_recreated_between_two_calls_does_not_inherit() -> None:
    answers = BulkAnswers(details([user("ada")]), (listed_user("ada", unique_id="OLD", password_last_used=AT),), ())
    assert "password_last_used" not in facts_from_bulk(ACCOUNT, answers).resources[0].attributes


def test_the_minimum_says_what_its_lists_say() -> None:
    staff = listed_group("staff")
    answers = MinimumAnswers(
        users=(listed_user("ada", password_last_used=AT),),
        groups=(staff,),
        roles=(listed_role("app", description="An app"),),
        members={staff.arn: GroupMembers(group=staff, users=(listed_user("ada"),))},
    )
    facts = facts_from_minimum(ACCOUNT, answers)
    rows = by_id(facts)
    assert rows[f"arn:aws:iam::{ACCOUNT}:user/ada"].attributes == {
        "unique_id": "IDADA",
        "path": "/",
        "created_at": "2024-01-02T03:04:05Z",
        "is_root": False,
        "password_last_used": "2024-01-02T03:04:05Z",
    }
    app = rows[f"arn:aws:iam::{ACCOUNT}:role/app"].attributes
    assert not {"tags", "last_used_at", "last_used_region"} & app.keys()
    assert (app["description"], app["role_class"]) == ("An app", "account")
    assert ("member_of", "ada", "staff") in relations(facts)
    assert {row.kind for row in facts.relations} == {
        RelationKind.CONTAINS,
        RelationKind.MEMBER_OF,
        RelationKind.CAN_ASSUME,
    }


@pytest.mark.parametrize(
    ("name", "tags", "wanted"),
    [
        ("ada", {}, []),
        ("ada@x.org", {}, ["ada@x.org"]),
        ("ada@x.org", {"email": "ADA@X.ORG"}, ["ada@x.org"]),
        ("ada@x.org", {"Email": "ada@y.org"}, ["ada@x.org", "ada@y.org"]),
        ("ada", {"e-mail": "no", "EMAIL": "a@x", "email": "A@X"}, ["a@x"]),
    ],
)
def test_addresses_are_told_once(name: str, tags: dict[str, str], wanted: list[str]) -> None:
    assert emails(name, tags) == wanted


names = some.text(min_size=1, max_size=6)
documents = some.dictionaries(names, names | some.floats() | some.lists(names), max_size=2)
users = some.lists(
    some.builds(
        lambda name, tags, document: user(
            name, tags=tags, holdings=Holdings(inline=(InlinePolicy(name="p", document=document),))
        ),
        names,
        some.dictionaries(names, names, max_size=2),
        documents,
    ),
    max_size=5,
    unique_by=lambda each: each.arn.encode("utf-8", "replace"),
)


@given(users, some.randoms())
def test_the_order_of_answers_means_nothing_to_the_digest(found: list[Any], random: Any) -> None:
    def digest(order: list[Any]) -> str:
        encoded = chunks.encode(facts_from_bulk(ACCOUNT, bulk(details(order))))
        assert chunks.decode(encoded)
        return chunks.digest(encoded, "bulk")

    assert digest(found) == digest(random.sample(found, len(found)))


def test_the_digest_tells_plans_apart() -> None:
    encoded = chunks.encode(facts_from_bulk(ACCOUNT, bulk(FULL)))
    assert chunks.digest(encoded, "bulk") != chunks.digest(encoded, "minimum")
