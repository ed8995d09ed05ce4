"""The SCIM endpoint keeps AWS's documented limits, over the same directory as Identity Center's API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.sandbox.scim_client import ask, client, pages, rows

USERS = 230
LIST = {"service": "scim", "operation": "ListUsers"}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    sizes = DirectorySizes(users=USERS, groups=104)
    with start(1, users=2, groups=1, roles=4, identity_center="account", directory=sizes, scim=True) as running:
        yield running


@pytest.fixture
def scim(started: Sandbox) -> Iterator[Sandbox]:
    """The endpoint as on its first day."""
    started.control("POST", "reset")
    yield started
    assert started.violations() == []


def people(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.identity_center()["Person"]
    return found


def changed(sandbox: Sandbox, page: str, given: Any) -> None:
    sandbox.control("POST", page, given)


# Lists ---------------------------------------------------------------------------------------------------------------


def test_a_list_by_cursor_has_every_user_once_and_no_total(scim: Sandbox) -> None:
    found = list(pages(scim))
    assert [len(page["Resources"]) for page in found] == [100, 100, 30]
    assert all("totalResults" not in page and "startIndex" not in page for page in found)
    assert [page["itemsPerPage"] for page in found] == [100, 100, 30]
    ids = [row["id"] for page in found for row in page["Resources"]]
    assert sorted(ids) == sorted(row["id"] for row in people(scim))


def test_cursors_use_all_of_aws_s_alphabet(scim: Sandbox) -> None:
    cursors = [page["nextCursor"] for page in pages(scim, count="40") if "nextCursor" in page]
    assert all(re.fullmatch(r"[-a-zA-Z0-9+=/:_]+", each) for each in cursors)
    assert set("+=/:-_") <= set("".join(cursors))


def test_without_the_word_cursor_there_is_one_page_and_no_way_to_the_rest(scim: Sandbox) -> None:
    page = ask(scim).json()
    assert (len(page["Resources"]), page["itemsPerPage"], page["totalResults"], page["startIndex"]) == (
        100,
        100,
        100,
        1,
    )
    assert "nextCursor" not in page
    assert len(ask(scim, count="3").json()["Resources"]) == 3


@pytest.mark.parametrize("count", ["0", "101", "-1", "x", "", "1.5", "²"])
def test_count_is_from_1_to_100(scim: Sandbox, count: str) -> None:
    answer = ask(scim, cursor="", count=count)
    assert (answer.status_code, answer.json()["status"]) == (400, "400")
    assert answer.json()["detail"] == "Request is unparsable, syntactically incorrect, or violates schema."


@pytest.mark.parametrize("count", ["1", "100"])
def test_the_ends_of_that_range_are_in_it(scim: Sandbox, count: str) -> None:
    assert ask(scim, cursor="", count=count).json()["itemsPerPage"] == int(count)


@pytest.mark.parametrize("name", ["startIndex", "attributes", "excludedAttributes", "sortBy"])
def test_what_scim_has_and_aws_has_not_is_refused(scim: Sandbox, name: str) -> None:
    assert ask(scim, **{name: "1"}).status_code == 400


def test_a_cursor_is_for_its_list_alone(scim: Sandbox) -> None:
    cursor = ask(scim, cursor="").json()["nextCursor"]
    assert ask(scim, cursor=cursor).status_code == 200
    for path, query in (
        ("Groups", {"cursor": cursor}),
        ("Users", {"cursor": f"{cursor}é"}),
        ("Users", {"cursor": "AAAA"}),
    ):
        assert ask(scim, path, **query).status_code == 400
    assert ask(scim, cursor=cursor, filter='userName eq "null"').status_code == 400


def test_pages_may_be_short_or_empty_and_lead_on(scim: Sandbox) -> None:
    changed(scim, "mess", {"short": 0.5, "empty": 0.4})
    found = list(pages(scim))
    assert any(not page["Resources"] and "nextCursor" in page for page in found)
    assert sorted(row["id"] for page in found for row in page["Resources"]) == sorted(row["id"] for row in people(scim))


def test_older_endpoints_give_50_do_not_page_and_refuse_the_word(scim: Sandbox) -> None:
    scim.scim({"older": True})
    page = ask(scim).json()
    assert (len(page["Resources"]), page["totalResults"], page["startIndex"]) == (50, 50, 1)
    assert ask(scim, count="100").json()["itemsPerPage"] == 50
    assert ask(scim, cursor="").status_code == 400


# Users and groups ----------------------------------------------------------------------------------------------------


def test_users_are_those_of_the_directory(scim: Sandbox) -> None:
    told = {row["native_id"]: row for row in scim.truth(sources=["scim"])}
    assert set(told) == {f"scim:{row['id']}" for row in people(scim)}
    for row in rows(scim):
        attributes = {"user_name": row["userName"], "active": row["active"], "external_id": row.get("externalId")}
        assert told[f"scim:{row['id']}"]["attributes"] == attributes
        assert len(row.get("emails", [])) <= 1
    assert {row["active"] for row in rows(scim)} == {True, False}
    assert None in {row["attributes"]["external_id"] for row in told.values()}


def test_active_is_the_status_of_the_same_person(scim: Sandbox) -> None:
    user = next(row for row in people(scim) if row["status"] == "ENABLED")["id"]
    scim.identity_center({"user": user, "status": "DISABLED"})
    assert ask(scim, f"Users/{user}").json()["active"] is False
    (told,) = [row for row in scim.truth(sources=["scim"]) if row["native_id"] == f"scim:{user}"]
    assert told["attributes"]["active"] is False


def test_a_deleted_user_is_in_neither(scim: Sandbox) -> None:
    user = people(scim)[0]["id"]
    scim.identity_center({"delete_user": user})
    assert ask(scim, f"Users/{user}").status_code == 404
    assert user not in {row["id"] for row in rows(scim)}


def test_groups_have_an_empty_member_list(scim: Sandbox) -> None:
    found = rows(scim, "Groups")
    assert len(found) == 104
    assert {tuple(row["members"]) for row in found} == {()}
    assert ask(scim, f"Groups/{found[0]['id']}").json() == found[0]


def test_the_provider_says_that_there_is_no_bulk(scim: Sandbox) -> None:
    assert ask(scim, "ServiceProviderConfig").json()["bulk"]["supported"] is False


def test_filters_are_eq_alone_in_the_documented_combinations(scim: Sandbox) -> None:
    person = next(row for row in people(scim) if row["external_ids"])
    place = scim.identity_center()["Placement"][0]
    for path, wanted, expected in [
        ("Users", f'userName eq "{person["user_name"].upper()}"', person["id"]),
        ("Users", f'externalId eq "{person["external_ids"][0][1]}"', person["id"]),
        ("Users", f'id eq "{person["id"]}"', person["id"]),
        ("Users", f'groups.value eq "{place["team"]}"', place["person"]),
        ("Groups", f'members.value eq "{place["person"]}"', place["team"]),
        ("Groups", f'id eq "{place["team"]}" and members eq "{place["person"]}"', place["team"]),
        ("Groups", 'displayName eq "ADMINS"', rows(scim, "Groups", filter='displayName eq "Admins"')[0]["id"]),
    ]:
        assert expected in {row["id"] for row in rows(scim, path, filter=wanted)}, wanted
    assert rows(scim, filter=f'id eq "{person["id"]}" and manager eq "{person["id"]}"') == []


@pytest.mark.parametrize(
    "wanted",
    ['userName sw "a"', 'userName eq "a" or userName eq "b"', 'userName eq "a" and externalId eq "b"', "userName eq a",
     'displayName eq "a"', 'userName eq "a" and', "x", ""],
)  # fmt: skip
def test_other_filters_are_refused(scim: Sandbox, wanted: str) -> None:
    assert ask(scim, filter=wanted).status_code == 400


# Who may ask ---------------------------------------------------------------------------------------------------------


def test_a_wrong_token_no_token_and_another_tenant_are_401(scim: Sandbox) -> None:
    assert ask(scim, token="x" * 40).status_code == 401
    endpoint, token = scim.facts["scim"]["endpoint"], scim.facts["scim"]["token"]
    assert client().get(f"{endpoint}Users").status_code == 401
    other = endpoint.replace(scim.scim()["tenant"], "00000000-0000-0000-0000-000000000000")
    assert client().get(f"{other}Users", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_rotated_token_replaces_the_one_before(scim: Sandbox) -> None:
    fresh = scim.scim({"rotate": True})["token"]
    assert ask(scim).status_code == 401
    assert ask(scim, token=fresh).status_code == 200


def test_calls_are_counted_and_a_rate_is_kept(scim: Sandbox) -> None:
    scim.control("DELETE", "calls")
    changed(scim, "rates", {"service": "scim", "per_second": 0.001, "burst": 2})
    assert [ask(scim).status_code for _ in range(3)] == [200, 200, 429]
    assert "retry-after" not in ask(scim).headers
    scim.scim({"retry_after": 7})
    assert ask(scim).headers["retry-after"] == "7"
    assert scim.control("GET", "calls")["operations"] == {"scim.ListUsers": 5}


# What goes wrong on demand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status"), [("throttle", 429), ("unauthorized", 401), ("deny", 403), ("error", 500), ("redirect", 302)]
)
def test_refusals_on_demand(scim: Sandbox, kind: str, status: int) -> None:
    scim.fault({"kind": kind, "times": 1, **LIST})
    answer = ask(scim)
    assert answer.status_code == status
    assert status == 302 or answer.json()["status"] == str(status)
    assert ask(scim).status_code == 200


def test_half_of_a_list_looks_like_all_of_it(scim: Sandbox) -> None:
    scim.fault({"kind": "half", **LIST})
    found = rows(scim)
    assert len(found) == USERS // 2
    assert len(rows(scim, "Groups")) == 104


def test_broken_answers_on_demand(scim: Sandbox) -> None:
    scim.fault(
        {"kind": "garbage", "nth": 1, **LIST}, {"kind": "cut", "nth": 2, **LIST}, {"kind": "drop", "nth": 3, **LIST}
    )
    assert ask(scim).headers["content-type"] == "text/html"
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            ask(scim)
    scim.fault({"kind": "timeout", **LIST})
    with pytest.raises(httpx.ReadTimeout):
        client().get(f"{scim.facts['scim']['endpoint']}Users", timeout=1)


def test_pages_that_lead_nowhere_on_demand(scim: Sandbox) -> None:
    scim.fault({"kind": "repeat_token", "nth": 1, **LIST}, {"kind": "empty", "nth": 3, **LIST})
    cursor = ask(scim, cursor="").json()["nextCursor"]
    assert ask(scim, cursor=cursor).json()["nextCursor"] == cursor
    page = ask(scim, cursor=cursor).json()
    assert (page["Resources"], "nextCursor" in page) == ([], False)


def test_faults_of_scim_are_not_for_other_services(scim: Sandbox) -> None:
    for rule in ({"kind": "half"}, {"kind": "redirect", "service": "iam"}, {"kind": "skew", "service": "scim"}):
        with pytest.raises(Exception, match="400"):
            scim.fault(rule)


# What is not there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("POST", "Users"), ("PUT", "Groups/1"), ("GET", "Me"), ("POST", "Bulk")])
def test_what_is_not_simulated_is_a_violation(started: Sandbox, method: str, path: str) -> None:
    started.control("POST", "reset")
    given = started.facts["scim"]
    headers = {"Authorization": f"Bearer {given['token']}"}
    assert client().request(method, f"{given['endpoint']}{path}", headers=headers).status_code == 501
    assert started.violations() == [f"scim has no {method} /{started.scim()['tenant']}/scim/v2/{path}"]


def test_mirrors_are_told_with_the_directory(scim: Sandbox) -> None:
    lines = scim.truth(sources=["identity_center", "scim"])
    mirrored = {(row["source"], row["target"]) for row in lines if row["kind"] == "mirrors"}
    assert mirrored == {(f"scim:{row['id']}", row["id"]) for row in people(scim)}
    assert not [row for row in scim.truth(sources=["scim"]) if row["kind"] == "mirrors"]
    assert set(scim.unread(sources=["scim"])) - set(scim.unread()) == {"scim_user.read_at"}


def test_an_endpoint_needs_an_instance_and_is_not_there_unless_asked_for() -> None:
    with pytest.raises(ValueError, match="needs an instance"), start(1, scim=True):
        pass
    with start(1, users=2, groups=1, roles=4, identity_center="account") as plain:
        assert "scim" not in plain.facts
