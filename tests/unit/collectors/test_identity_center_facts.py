"""Identity Center's answers as rows, what a denial leaves out, and what does not fit together."""

from typing import Any

import pytest

from grantwire.aws.identity_center.shapes import (
    Assignment,
    Boundary,
    Group,
    InlineDocument,
    Membership,
    PermissionSet,
    PolicyReference,
    User,
)
from grantwire.collectors.identity_center import coverage, doubts
from grantwire.collectors.identity_center.answers import Details, Memberships, Principal, Provisioned, Sets
from grantwire.collectors.identity_center.facts import (
    facts_from_assignments,
    facts_from_groups,
    facts_from_memberships,
    facts_from_sets,
    facts_from_users,
)
from grantwire.collectors.identity_center.plans import Sizes, by_listing, membership_plan, pages
from grantwire.contracts.resources import Kind, RelationKind

SET, OTHER = "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "arn:aws:sso:::permissionSet/ssoins-1/ps-2"
AWS, ACCOUNT = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "111122223333"


def user(**but: Any) -> User:
    names = ("user_name", "display_name", "given_name", "family_name", "user_type", "title", "status")
    nothing: dict[str, Any] = dict.fromkeys((*names, "created_at", "updated_at"))
    return User(**{"id": "u-1", "identity_store": "d-1", "emails": (), "external_ids": (), **nothing, **but})


def details(**but: Any) -> Details:
    plain = dict.fromkeys(("description", "session_duration", "relay_state", "created_at"))
    return Details(set=PermissionSet(arn=SET, name="Admin", **plain), **but)


@pytest.mark.parametrize(
    ("said", "status"), [(None, "unknown"), ("ENABLED", "ENABLED"), ("DISABLED", "DISABLED"), ("LOCKED", "unknown")]
)
def test_only_what_aws_calls_enabled_is_enabled(said: str | None, status: str) -> None:
    [row] = facts_from_users([user(status=said)]).resources
    assert row.attributes["status"] == status


def test_who_has_no_name_is_called_by_the_id() -> None:
    [row] = facts_from_users([user()]).resources
    assert (row.kind, row.native_id, row.account, row.name) == (Kind.IDENTITY_USER, "u-1", None, "u-1")
    group = Group(id="g-1", identity_store="d-1", display_name=None, description=None, external_ids=())
    assert facts_from_groups([group]).resources[0].name == "g-1"


def test_a_membership_is_told_once() -> None:
    rows = facts_from_memberships([Membership("m-1", "g", "u"), Membership("m-1", "g", "u")]).relations
    assert [(row.source, row.target, row.attributes) for row in rows] == [("u", "g", {"membership_id": "m-1"})]


def test_a_set_holds_awss_policies_its_inline_policy_and_its_boundary() -> None:
    inline = InlineDocument({"Version": "2012-10-17"})
    references = (PolicyReference("b", "/"), PolicyReference("a", "/x/"), PolicyReference("a", "/"))
    held = details(managed=(AWS,), customer=references, inline=inline, boundary=Boundary(arn=AWS), tags={"k": "v"})
    found = facts_from_sets([held])
    permission_set, policy = found.resources
    assert permission_set.attributes["customer_policies"] == [
        {"name": "a", "path": "/"},
        {"name": "b", "path": "/"},
        {"name": "a", "path": "/x/"},
    ]
    assert permission_set.attributes["boundary"] == {"managed_policy_arn": AWS}
    assert (policy.native_id, policy.attributes) == (f"{SET}#inline", {"document": {"Version": "2012-10-17"}})
    assert {(row.kind, row.source, row.target) for row in found.relations} == {
        (RelationKind.ATTACHED, AWS, SET),
        (RelationKind.ATTACHED, f"{SET}#inline", SET),
        (RelationKind.BOUNDED_BY, SET, AWS),
    }
    assert [row.native_id for row in found.mentions] == [AWS]


def test_a_customers_boundary_is_another_policy_in_each_account() -> None:
    found = facts_from_sets([details(boundary=Boundary(reference=PolicyReference("b", "/x/")))])
    named = {"customer_managed_policy_reference": {"name": "b", "path": "/x/"}}
    assert found.resources[0].attributes["boundary"] == named
    assert (found.relations, found.mentions) == ((), ())


def test_what_is_denied_is_absent_and_what_is_not_there_is_null() -> None:
    plain, denied = (facts_from_sets([details()], names).resources[0].attributes for names in ((), coverage.WITH))
    assert (plain["inline_policy"], plain["boundary"], plain["tags"], plain["managed_policies"]) == (None, None, {}, [])
    assert plain.keys() - denied.keys() == {name.partition(".")[2] for name in coverage.WITH}


@pytest.mark.parametrize(
    ("denied", "covers"),
    [
        ((), ["permission_set", "inline_policy", "attached", "bounded_by"]),
        ((coverage.TAGS, coverage.CUSTOMER), ["permission_set", "inline_policy", "attached", "bounded_by"]),
        ((coverage.MANAGED,), ["permission_set", "inline_policy", "bounded_by"]),
        ((coverage.INLINE,), ["permission_set", "bounded_by"]),
        ((coverage.BOUNDARY,), ["permission_set", "inline_policy", "attached"]),
    ],
)
def test_a_denial_takes_its_kinds_along(denied: tuple[str, ...], covers: list[str]) -> None:
    assert coverage.of_sets(denied) == covers
    gone = {"permission_set", "inline_policy", "attached", "bounded_by"} - set(covers)
    assert set(coverage.unread_of_sets(dict.fromkeys(denied, "why"))) == {*denied, *gone}


def test_who_is_deleted_is_an_external_principal_wherever_assigned() -> None:
    assigned = {
        SET: (Assignment(ACCOUNT, SET, "USER", "u-1"), Assignment(ACCOUNT, SET, "GROUP", "g-1")),
        OTHER: (Assignment(ACCOUNT, OTHER, "USER", "u-1"),),
    }
    found = facts_from_assignments(
        ACCOUNT,
        Provisioned((SET, OTHER), frozenset({OTHER}), assigned),
        frozenset({Principal("USER", "u-1"), Principal("USER", "u-elsewhere")}),
    )
    assert [row.attributes["provisioning_status"] for row in found.resources] == [
        "LATEST_PERMISSION_SET_PROVISIONED",
        "LATEST_PERMISSION_SET_NOT_PROVISIONED",
    ]
    told = {(row.source, row.source_kind) for row in found.relations if row.kind is RelationKind.ASSIGNED}
    assert told == {("u-1", Kind.EXTERNAL_PRINCIPAL), ("g-1", Kind.IDENTITY_GROUP)}
    [mention] = found.mentions
    assert (mention.native_id, mention.attributes) == ("u-1", {"principal_class": "deleted", "issuer": None})


def test_what_went_or_is_on_one_list_alone_is_a_doubt() -> None:
    assert doubts.of_memberships(Memberships((), ("g-1",))) == {"g-1 is listed but gone"}
    assert doubts.of_sets(Sets((), (SET,))) == {f"the permission set {SET} is listed but gone"}
    assert doubts.of_provisioned(Provisioned((SET,), frozenset({OTHER}), {SET: ()})) == {
        f"the permission set {OTHER} is provisioned, and not in the list of all that are"
    }
    assert doubts.of_provisioned(Provisioned((SET,), frozenset(), {}, (SET,)))
    assert not doubts.of_provisioned(Provisioned((SET,), frozenset({SET}), {SET: ()}))


@pytest.mark.parametrize(
    ("users", "groups", "plan"),
    [
        (None, None, "by_group"),
        (3, None, "by_group"),
        (500, 100, "by_group"),
        (100, 100, "by_group"),
        (99, 100, "by_member"),
        (101, 102, "by_member"),
        (4, 8, "by_member"),
    ],
)
def test_memberships_are_asked_for_on_the_side_that_has_fewer(users: int | None, groups: int | None, plan: str) -> None:
    assert membership_plan(Sizes(users, groups)) == plan


def test_a_few_principals_are_asked_for_and_many_are_listed() -> None:
    assert [pages(rows) for rows in (0, 1, 100, 101, 250)] == [1, 1, 1, 2, 3]
    assert by_listing(1, None) and by_listing(1, 100) and by_listing(5, 500)
    assert not by_listing(1, 500) and not by_listing(4, 500)
