"""Organizations' answers into rows, by docs/reference/organization-facts.md; and the doubts that keep rows away."""

from typing import Any

import pytest

from grantwire.collectors.organization.doubts import of_organization
from grantwire.collectors.organization.facts import COVERS, facts_from_organization, stateless
from grantwire.contracts.resources import Facts, Kind, Resource
from tests.unit.collectors.organizations import (
    ID,
    MANAGER,
    MEMBER,
    OTHER,
    ROOT,
    SERVICE,
    account,
    answers,
    tree,
    unit,
)


def by_id(facts: Facts) -> dict[str, Resource]:
    return {row.native_id: row for row in facts.resources}


def test_the_organization_is_named_by_its_id() -> None:
    row = by_id(facts_from_organization(answers()))[ID]
    assert (row.kind, row.account, row.name) == (Kind.ORGANIZATION, None, ID)
    assert row.attributes == {"arn": f"arn:of:{ID}", "management_account": MANAGER, "feature_set": "ALL"}


@pytest.mark.parametrize(("id", "name", "is_root"), [(ROOT, "Root", True), ("ou-1", "Unit", False)])
def test_the_root_is_a_unit_that_says_so(id: str, name: str, is_root: bool) -> None:
    row = by_id(facts_from_organization(answers()))[id]
    assert (row.kind, row.account, row.name) == (Kind.ORGANIZATIONAL_UNIT, None, name)
    assert row.attributes == {"arn": f"arn:of:{id}", "is_root": is_root}


def test_an_account_has_every_attribute_but_its_aliases() -> None:
    row = by_id(facts_from_organization(answers()))[MEMBER]
    assert (row.kind, row.account, row.name) == (Kind.ACCOUNT, MEMBER, "n4")
    assert row.attributes == {
        "arn": f"arn:of:{MEMBER}",
        "email": f"{MEMBER}@x.org",
        "state": "ACTIVE",
        "joined_method": "CREATED",
        "joined_at": "2024-01-02T03:04:05Z",
        "is_management": False,
        "delegated_services": [SERVICE],
    }


def test_the_management_account_administers_nothing_by_delegation() -> None:
    attributes = by_id(facts_from_organization(answers()))[MANAGER].attributes
    assert (attributes["is_management"], attributes["delegated_services"]) == (True, [])


def test_services_come_in_one_order() -> None:
    facts = facts_from_organization(answers(services={MEMBER: ("sso", "access-analyzer")}))
    assert by_id(facts)[MEMBER].attributes["delegated_services"] == ["access-analyzer", "sso"]


def test_services_that_were_not_read_are_absent_rather_than_none() -> None:
    rows = by_id(facts_from_organization(answers(services=None)))
    assert all("delegated_services" not in row.attributes for row in rows.values())


def test_a_state_that_aws_does_not_give_is_unknown_and_counted() -> None:
    accounts = (account(MANAGER, state=None), account(MEMBER, state="SUSPENDED"))
    rows = by_id(facts_from_organization(answers(accounts=accounts)))
    assert [rows[id].attributes["state"] for id in (MANAGER, MEMBER)] == ["unknown", "SUSPENDED"]
    assert stateless(accounts) == [MANAGER]


def test_what_aws_does_not_say_is_null() -> None:
    accounts = (account(MANAGER), account(MEMBER, email=None, joined_method=None, joined_at=None, name=""))
    row = by_id(facts_from_organization(answers(accounts=accounts)))[MEMBER]
    assert row.name == MEMBER
    assert [row.attributes[name] for name in ("email", "joined_method", "joined_at")] == [None, None, None]


def test_everything_is_contained_where_it_stands() -> None:
    facts = facts_from_organization(answers())
    assert {(row.source, row.source_kind, row.target, row.target_kind) for row in facts.relations} == {
        (ID, Kind.ORGANIZATION, ROOT, Kind.ORGANIZATIONAL_UNIT),
        (ROOT, Kind.ORGANIZATIONAL_UNIT, "ou-1", Kind.ORGANIZATIONAL_UNIT),
        ("ou-1", Kind.ORGANIZATIONAL_UNIT, "ou-2", Kind.ORGANIZATIONAL_UNIT),
        (ROOT, Kind.ORGANIZATIONAL_UNIT, MANAGER, Kind.ACCOUNT),
        ("ou-1", Kind.ORGANIZATIONAL_UNIT, MEMBER, Kind.ACCOUNT),
    }
    assert facts.mentions == ()
    said = {row.kind.value for row in facts.resources} | {row.kind.value for row in facts.relations}
    assert said == set(COVERS)


def test_answers_that_fit_leave_no_doubt() -> None:
    assert of_organization(answers(), MANAGER) == of_organization(answers(), MEMBER) == frozenset()


PLACED = dict(tree().accounts)
DOUBTS: list[tuple[str, dict[str, Any], str]] = [
    ("no place", {"tree": tree(accounts=PLACED | {"ou-1": ()})}, f"the account {MEMBER} is listed but under no root"),
    ("not listed", {"accounts": (account(MANAGER),)}, f"the account {MEMBER} is under ou-1 but not in ListAccounts"),
    (
        "a stranger in a unit",
        {"tree": tree(accounts=PLACED | {"ou-2": (account(OTHER),)})},
        f"the account {OTHER} is under ou-2 but not in ListAccounts",
    ),
    (
        "two places",
        {"tree": tree(accounts=PLACED | {"ou-2": (account(MEMBER),)})},
        f"the account {MEMBER} is listed under ou-1 and ou-2",
    ),
    ("no management account", {"accounts": (account(MEMBER),)}, f"the account {MANAGER} is of the organization but"),
    ("a unit that went", {"tree": tree(gone=("ou-2",))}, "ou-2 is listed but gone"),
    (
        "a unit in two places",
        {"tree": tree(units={ROOT: (unit("ou-1"), unit("ou-2")), "ou-1": (unit("ou-2"),), "ou-2": ()})},
        "the unit ou-2 is listed under ou-1 and r-ab12",
    ),
    ("no root", {"tree": tree(roots=())}, "ListRoots names no root"),
    ("an administrator of nothing", {"services": {MEMBER: ()}}, f"the delegated administrator {MEMBER} administers"),
    (
        "an administrator from outside",
        {"services": {MEMBER: (SERVICE,), OTHER: (SERVICE,)}},
        f"the delegated administrator {OTHER} is not in ListAccounts",
    ),
    ("ourselves no administrator", {"services": {}}, f"the account {MEMBER} reads the organization but is no"),
]


@pytest.mark.parametrize(("but", "said"), [case[1:] for case in DOUBTS], ids=[case[0] for case in DOUBTS])
def test_what_does_not_fit_is_a_doubt_that_names_it(but: dict[str, Any], said: str) -> None:
    assert any(doubt.startswith(said) for doubt in of_organization(answers(**but), MEMBER))


def test_services_that_were_denied_are_no_doubt() -> None:
    assert of_organization(answers(services=None), MEMBER) == frozenset()
