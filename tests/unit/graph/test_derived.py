"""The rules of derived relations, without a database."""

import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.contracts.failures import Malformed
from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import (
    DERIVED,
    KIND_CODES,
    RELATION_CODES,
    Facts,
    Kind,
    Relation,
    RelationKind,
    Resource,
)
from grantwire.graph.delta import Changes, Delta
from grantwire.graph.derived import (
    Moved,
    Pair,
    Role,
    directory_user,
    has_derived,
    mirrors,
    moved,
    realized_as,
    scim_user,
    set_named,
)
from grantwire.graph.renames import identities, recognise
from grantwire.graph.retiring import leaving
from grantwire.graph.rows import Node, content_of, edge_of, node_of
from tests.unit.graph.test_rules import differences, person

PATH = "/aws-reserved/sso.amazonaws.com/"
SUFFIX = "0123456789abcdef"
SPELLING = string.ascii_letters + string.digits + "_+=,.@-"
ACCOUNT, OTHER = "111122223333", "444455556666"


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        ("AWSReservedSSO_Admin_0123456789abcdef", PATH, "Admin"),
        ("AWSReservedSSO_Admin_0123456789abcdef", f"{PATH}eu-west-1/", "Admin"),
        ("AWSReservedSSO_Read_Only_All_0123456789abcdef", PATH, "Read_Only_All"),
        ("AWSReservedSSO_Billing_0123456789abcdef_fedcba9876543210", PATH, "Billing_0123456789abcdef"),
        ("AWSReservedSSO_a.b@c,d=e+f-g_0123456789abcdef", PATH, "a.b@c,d=e+f-g"),
        ("AWSReservedSSO___0123456789abcdef", PATH, "_"),
        (f"AWSReservedSSO_{'P' * 32}_{SUFFIX}", PATH, "P" * 32),
        (f"AWSReservedSSO_{'P' * 33}_{SUFFIX}", PATH, None),
        ("AWSReservedSSO_Admin", PATH, None),
        ("AWSReservedSSO__0123456789abcdef", PATH, None),
        ("AWSReservedSSO_Admin_0123456789abcde", PATH, None),
        ("AWSReservedSSO_Admin_0123456789ABCDEF", PATH, None),
        ("AWSReservedSSO_Admin_0123456789abcdef\n", PATH, None),
        ("awsreservedsso_Admin_0123456789abcdef", PATH, None),
        ("AWSReservedSSO_Admin_0123456789abcdef", "/", None),  # anybody may name a role so, but not put it there
        ("AWSReservedSSO_Admin_0123456789abcdef", "/aws-reserved/sso.amazonaws.com", None),
        ("AWSReservedSSO_Admin_0123456789abcdef", f"{PATH}eu-west-1/more/", None),
        ("AWSReservedSSO_Admin_0123456789abcdef", f"/team{PATH}", None),
        ("AWSServiceRoleForSSO", "/aws-service-role/sso.amazonaws.com/", None),
    ],
)
def test_a_role_says_of_which_permission_set_it_was_made(name: str, path: str, found: str | None) -> None:
    assert set_named(name, path) == found


@given(name=st.text(SPELLING, min_size=1, max_size=32), suffix=st.integers(0, 16**16 - 1))
def test_every_name_is_read_back(name: str, suffix: int) -> None:
    role = f"AWSReservedSSO_{name}_{suffix:016x}"
    assert len(role) <= 64, "what IAM allows, so nothing is ever cut"
    assert set_named(role, PATH) == name


def pair(name: str, account: str = ACCOUNT, number: str = "1") -> Pair:
    return Pair(f"{account}/arn:aws:sso:::permissionSet/ssoins-1/ps-{number}", name)


def role(
    name: str, created_at: str | None = "2026-01-01T00:00:00Z", account: str = ACCOUNT, suffix: str = SUFFIX
) -> Role:
    full = f"AWSReservedSSO_{name}_{suffix}"
    return Role(f"arn:aws:iam::{account}:role{PATH}{full}", account, full, PATH, created_at)


OLD = role("Admin", "2025-12-31T23:59:59Z", suffix="a" * 16)
NEW = role("Admin", "2026-01-01T00:00:00Z", suffix="b" * 16)
TWIN = role("Admin", "2026-01-01T01:00:00+01:00", suffix="c" * 16)
UNDATED = role("Admin", None, suffix="d" * 16)


@pytest.mark.parametrize(
    ("pairs", "roles", "found"),
    [
        ([pair("Admin")], [], None),
        ([], [NEW], None),
        ([pair("Admin")], [NEW], NEW),
        ([pair("Admin")], [UNDATED], UNDATED),
        ([pair("admin")], [NEW], None),
        ([pair("Adm")], [NEW], None),
        ([pair("Admin", OTHER)], [NEW], None),
        ([pair("Admin")], [role("Admin", account=OTHER)], None),
        ([pair("Admin")], [OLD, NEW], NEW),
        ([pair("Admin")], [NEW, OLD], NEW),
        ([pair("Admin")], [OLD, NEW, TWIN], None),  # made at the same time
        ([pair("Admin")], [NEW, UNDATED], None),
        ([pair("Admin"), pair("Admin", number="2")], [NEW], None),  # sets of two instances
    ],
)
def test_which_role_a_pair_is(pairs: Sequence[Pair], roles: Sequence[Role], found: Role | None) -> None:
    ends = [(relation.source, relation.target) for relation in realized_as(pairs, roles)]
    assert ends == ([(pairs[0].native_id, found.native_id)] if found else [])


def test_each_pair_has_its_own_role() -> None:
    pairs = [pair("A"), pair("A_0123456789abcdef", number="2"), pair("A", OTHER), pair("B", number="3")]
    roles = [role("A"), role("A_0123456789abcdef"), role("A", account=OTHER), role("C")]
    found = realized_as(pairs, roles)
    assert [(one.source, one.target) for one in found] == [
        (pairs[at].native_id, roles[at].native_id) for at in (0, 1, 2)
    ]
    assert {(one.kind, one.source_kind, one.target_kind) for one in found} == {
        ("realized_as", "provisioned_permission_set", "iam_role")
    }


def test_scim_shows_a_user_under_the_directorys_id() -> None:
    found = mirrors("9067-1")
    assert found == Relation(RelationKind.MIRRORS, "scim:9067-1", Kind.SCIM_USER, "9067-1", Kind.IDENTITY_USER)
    assert directory_user(scim_user("9067-1")) == "9067-1"


# What is worth deriving anew


def node(kind: Kind, native_id: str, account: str | None = None, name: str = "x", **attributes: object) -> Node:
    return node_of(Resource(kind, native_id, account, name, attributes), TENANT)


RESERVED = node(Kind.IAM_ROLE, OLD.native_id, ACCOUNT, OLD.name, path=PATH, last_used_at=None)
PLAIN = node(Kind.IAM_ROLE, "arn:aws:iam::111122223333:role/ops", ACCOUNT, "ops", path="/")
PAIR = node(Kind.PROVISIONED_PERMISSION_SET, pair("Admin").native_id, ACCOUNT, provisioning_status="LATEST")
SET = node(Kind.PERMISSION_SET, "arn:aws:sso:::permissionSet/ssoins-1/ps-1", None, "Admin", description=None)
USER = node(Kind.IDENTITY_USER, "u1", None, "alice", title=None)
SCIM = node(Kind.SCIM_USER, "scim:u2", None, "bob", active=True)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (RESERVED, Moved(accounts=frozenset({ACCOUNT}))),
        (PLAIN, Moved()),
        (PAIR, Moved(accounts=frozenset({ACCOUNT}))),
        (SET, Moved(sets=frozenset({SET.key}))),
        (USER, Moved(users=frozenset({"u1"}))),
        (SCIM, Moved(users=frozenset({"u2"}))),
        (person("alice", "AIDA1"), Moved()),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Node) else "",
)
def test_what_comes_and_goes_matters(row: Node, found: Moved) -> None:
    assert moved(Changes(Delta(added=[row]))) == moved(Changes(Delta(removed=[row]))) == found
    assert bool(found) is (found != Moved())


@pytest.mark.parametrize(
    ("row", "change", "matters"),
    [
        (RESERVED, {"last_used_at": "2026-01-01T00:00:00Z"}, False),
        (RESERVED, {"created_at": "2026-01-01T00:00:00Z"}, True),
        (PAIR, {"provisioning_status": "OLD"}, False),
        (SET, {"description": "y"}, False),
        (USER, {"title": "y"}, False),
        (SCIM, {"active": False}, False),
    ],
)
def test_what_merely_changes_seldom_matters(row: Node, change: dict[str, object], matters: bool) -> None:
    new = node(row.kind, row.native_id, row.account, row.name, **{**row.attributes, **change})
    assert bool(moved(Changes(Delta(changed=[(row, new)])))) is matters
    renamed = node(row.kind, row.native_id, row.account, "other", **row.attributes)
    assert moved(Changes(Delta(changed=[(row, renamed)])))


def test_a_relation_that_says_whose_pair_it_is_matters() -> None:
    ends = PAIR.native_id, PAIR.kind, SET.native_id, SET.kind
    link = edge_of(Relation(RelationKind.INSTANCE_OF, *ends), TENANT)
    assert moved(Changes(edges=Delta(removed=[link]))).accounts == {ACCOUNT}
    other = edge_of(Relation(RelationKind.ASSIGNED, "u1", Kind.IDENTITY_USER, PAIR.native_id, PAIR.kind), TENANT)
    assert not moved(Changes(edges=Delta(added=[other])))


def test_identities_are_the_same_before_and_after() -> None:
    found = differences({"a": "1", "b": "2", "c": "3", "d": "4"}, {"b": "1", "c": "9", "d": "4", "e": "3"})
    who = recognise(found)
    before = {**found.gone, **{key: found.changed[key][0] for key in who.replaced}}
    after = {**found.added, **{key: found.changed[key][1] for key in who.replaced}}
    delta = Delta(
        removed=[row for key, row in before.items() if key not in who.renamed],
        renamed=[(before[old], after[new]) for old, new in who.renamed.items()],
        added=[row for key, row in after.items() if key not in who.renamed.values()],
    )
    assert who.renamed and who.replaced and identities(delta) == who


@pytest.mark.parametrize("kind", sorted(DERIVED))
def test_no_snapshot_brings_them(kind: RelationKind) -> None:
    brought = Relation(kind, "x", Kind.SCIM_USER, "y", Kind.IDENTITY_USER)
    with pytest.raises(Malformed, match=f"{kind} x -> y.*is derived"):
        content_of(Facts(relations=(brought,)), TENANT)


def test_scopes_leave_with_their_derived_relations_before_what_those_follow() -> None:
    keys = [f"iam/{ACCOUNT}", "scim/t", "organization/o-1", f"assignments/{ACCOUNT}", "directory_users/d-1"]
    assert [has_derived(key) for key in leaving(keys)] == [True, True, False, False, False]


def test_statements_name_derived_relations_by_their_codes() -> None:
    assert sorted(RELATION_CODES[kind] for kind in DERIVED) == [10, 11] and KIND_CODES[Kind.FACET] == 16
