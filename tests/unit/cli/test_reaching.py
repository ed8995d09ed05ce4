"""What `can` and `who-can` print, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any

from grantwire.cli.reaching import rows
from grantwire.cli.resting import lines

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ADMIN = {
    "native_id": "1/admin",
    "display": "Admin in prod (1)",
    "permission_set_name": "Admin",
    "account": "1",
    "account_name": "prod",
    "role_name": "AWSReservedSSO_Admin_0",
}


def node(name: str, kind: str, native_id: str = "", display: str = "") -> dict[str, Any]:
    return {"name": name, "kind": kind, "native_id": native_id or name, "display": display}


def step(relation: str, to: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"relation": relation, "node": to, "effect": "allow", "through": None, **more}


ALICE, TEAM = node("alice", "identity_user"), node("Admins", "identity_group")
PAIR = node("1/admin", "provisioned_permission_set", display="Admin in prod (1)")
PROD = node("prod", "account", "1", "prod (1)")
ACTING = node("AWSReservedSSO_Admin_0", "iam_role")
DEPLOY = node("deploy", "iam_role")


def path(end: str, *via: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"effect": "allow", "conditions": [], "note": None, "provisioned": []}
    return {end: via[-1]["node"], "via": list(via), **plain, **more}


def answer(subject: dict[str, Any], *paths: dict[str, Any], provisioned: tuple[Any, ...] = (ADMIN,)) -> dict[str, Any]:
    return {"subject": subject, "paths": list(paths), "provisioned": list(provisioned)}


def test_a_permission_set_in_an_account_is_one_row() -> None:
    way = step("member_of", TEAM), step("assigned", PAIR)
    found = answer(
        ALICE,
        path("target", *way[:1]),
        path("target", *way),
        path("target", *way, step("provisioned_to", PROD)),
        path("target", *way, step("realized_as", ACTING)),
        path("target", *way, step("realized_as", ACTING), step("can_assume", DEPLOY), note="only if"),
    )
    acting = "as role AWSReservedSSO_Admin_0"
    assert rows(found, "target") == [
        ("Admin in prod (1)", "permission_set", "member of Admins → assigned", "allow", acting),
        ("Admins", "identity_group", "member of Admins", "allow", ""),
        (
            "deploy",
            "iam_role",
            "member of Admins → assigned Admin in prod (1) → as AWSReservedSSO_Admin_0 → assume deploy",
            "allow",
            "only if",
        ),
    ]


def test_who_enters_is_told_in_the_direction_of_the_steps() -> None:
    back = step("provisioned_to", PAIR), step("assigned", TEAM), step("member_of", ALICE)
    found = answer(
        PROD, path("source", *back[:2], provisioned=["1/admin"]), path("source", *back, provisioned=["1/admin"])
    )
    assert rows(found, "source") == [
        ("Admins", "identity_group", "assigned Admin in prod (1)", "allow", ""),
        ("alice", "identity_user", "member of Admins → assigned Admin in prod (1)", "allow", ""),
    ]


def test_who_is_assigned_many_times_has_a_row_for_each_and_their_members_one() -> None:
    pairs = [
        {"native_id": f"{n}/admin", "permission_set_name": "Admin", "account": str(n), "account_name": f"a{n}"}
        for n in range(5)
    ]
    ids = [each["native_id"] for each in pairs]
    back = step("instance_of", PAIR), step("assigned", TEAM), step("member_of", ALICE)
    found = answer(
        node("Admin", "permission_set"),
        path("source", *back[:2], provisioned=ids),
        path("source", *back, provisioned=ids),
        provisioned=tuple(pairs),
    )
    *of_team, of_alice = rows(found, "source")
    assert [how for _, _, how, _, _ in of_team] == [f"assigned Admin in a{n} ({n})" for n in range(5)]
    some = "Admin in a0 (0), a1 (1), a2 (2) and 2 more"
    assert of_alice[2] == f"member of Admins → assigned {some}"


def test_permission_sets_that_share_nothing_are_named_each() -> None:
    read = {**ADMIN, "native_id": "1/read", "permission_set_name": "ReadOnly"}
    dev = {**ADMIN, "native_id": "2/admin", "account": "2", "account_name": None, "display": "Admin in 2"}
    back = step("instance_of", PAIR), step("assigned", TEAM), step("member_of", ALICE)

    def how(*pairs: dict[str, Any]) -> str:
        ids = [pair["native_id"] for pair in pairs]
        return rows(answer(PROD, path("source", *back, provisioned=ids), provisioned=pairs), "source")[0][2]

    assert how(ADMIN, read) == "member of Admins → assigned Admin, ReadOnly in prod (1)"
    assert how(ADMIN, dev) == "member of Admins → assigned Admin in prod (1), 2"
    assert how(ADMIN, {**read, "display": "ReadOnly in prod (1)"}, dev).endswith("prod (1), Admin in 2")


def test_roles_of_one_name_in_several_accounts_are_told_apart() -> None:
    there = [path("target", step("can_assume", {**DEPLOY, "account": account})) for account in ("1", "2")]
    assert [row[0] for row in rows(answer(ALICE, *there), "target")] == ["deploy (1)", "deploy (2)"]


def test_trusts_are_told_as_before() -> None:
    bob, root = node("bob", "iam_user"), node("1", "account")
    found = answer(bob, path("target", step("can_assume", DEPLOY, through=root)), provisioned=())
    assert rows(found, "target") == [("deploy", "iam_role", "assume deploy (through 1)", "allow", "")]


def scope(key: str, state: str = "complete", minutes: int = 1) -> dict[str, Any]:
    return {
        "scope": key,
        "state": state,
        "overdue": False,
        "observed_at": (NOW - timedelta(minutes=minutes)).isoformat(),
    }


def test_few_scopes_are_all_named_and_many_are_counted() -> None:
    assert lines([scope("a"), scope("b", "stale")], NOW) == [
        ("a complete · 1 min ago", "dim"),
        ("b stale · 1 min ago", "yellow"),
    ]
    many = [scope("ill", "stale"), *(scope(f"s{n}", minutes=n) for n in range(1, 50))]
    assert lines(many, NOW) == [
        ("ill stale · 1 min ago", "yellow"),
        ("49 scopes complete · 1 min to 49 min ago", "dim"),
    ]
    worse = [scope(f"s{n}", "stale") for n in range(30)]
    assert lines(worse, NOW)[-1] == ("and 10 more that are not well; --json names them all", "yellow")
