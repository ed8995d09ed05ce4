"""An account leaves, comes back, moves, is suspended, closes; a filter changes; the connector goes.

After every step the export is the truth of what still counts, the changes add up to it, and answers follow.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.contracts.failures import NotFound
from grantwire.graph import connectors, queries, retiring
from tests.support.house import house, use
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.subscriber import Subscriber, of
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

SIZE = ("--calm", "--accounts", "4", "--users", "6", "--groups", "3", "--roles", "12")


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, *SIZE) as running:
        yield running


@pytest.fixture
def gone(aws: Sandbox) -> str:
    """The account that things happen to: the last one, which roles of its neighbour name."""
    return aws.members[-1]


@pytest.fixture
def neighbour(aws: Sandbox) -> str:
    return aws.members[-2]


@pytest_asyncio.fixture
async def life(aws: Sandbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Subscriber]:
    """Everything was read once, and everything was heard."""
    aws.text("reset", "POST")
    use(aws, monkeypatch)
    with NatsServer() as nats:
        async with house(database_url, nats.url) as home:
            subscriber = Subscriber(aws, home)
            await subscriber.connect()
            loads = await subscriber.sync()
            assert {change["type"] for change in loads} == {"scope.loaded"}, "a first load is one message a scope"
            await subscriber.equals_the_truth()
            yield subscriber


async def test_an_account_leaves(life: Subscriber, aws: Sandbox, gone: str, neighbour: str) -> None:
    named, role = _trust(await life.export(), gone, neighbour)
    before = {end.native_id: end for end in await _who_can(life, role)}
    aws.change({"leave": gone})
    told = await life.sync()
    await life.equals_the_truth()
    (retired,) = of(told, "scope.retired", scope=f"iam/{gone}", account=gone)
    assert retired["why"] == f"Account {gone} is no longer in the organization."
    assert of(told, "resource.removed", kind="account", native_id=gone)
    assert not of(told, "resource.removed", account=gone, scope=f"iam/{gone}"), "its rows are told as one"
    assert f"iam/{gone}" not in await life.scopes()
    assert [scope.key for scope in await retiring.retired(life.home.graph)] == [f"iam/{gone}"]
    after = {end.native_id: end for end in await _who_can(life, role)}
    assert (before[named].kind, after[named].kind) == ("iam_role", "external_principal")
    assert after[named].attributes["in_organization"] is False
    assert _kinds_of_principals(after.values(), gone) == {"external_principal"}


async def test_an_account_comes_back_as_it_was_last_known(
    life: Subscriber, aws: Sandbox, gone: str, neighbour: str
) -> None:
    before = await life.export()
    aws.change({"leave": gone})
    await life.sync()
    aws.admin("iam", gone).create_user(UserName="while-away")
    aws.change({"join": gone}, {"move": [gone, _parent(before, gone)]})
    told = await life.sync()
    await life.equals_the_truth()
    assert of(told, "scope.returned", scope=f"iam/{gone}")
    (news,) = of(told, "resource.added", scope=f"iam/{gone}")
    assert news["name"] == "while-away"
    assert not of(told, "scope.loaded")
    assert f"iam/{gone}" in await life.scopes()
    assert await retiring.retired(life.home.graph) == []
    _, role = _trust(await life.export(), gone, neighbour)
    assert _kinds_of_principals(await _who_can(life, role), gone) <= {"iam_user", "iam_role"}


async def test_an_account_that_was_never_here_joins(life: Subscriber, aws: Sandbox) -> None:
    aws.change({"join": "222233334444"})
    told = await life.sync()
    await life.equals_the_truth()
    assert of(told, "scope.loaded", scope="iam/222233334444")
    assert of(told, "resource.added", kind="account", native_id="222233334444")


async def test_an_account_moves(life: Subscriber, aws: Sandbox, gone: str) -> None:
    before = _parent(await life.export(), gone)
    target = aws.unit("=EMPTY()")
    aws.change({"move": [gone, target]})
    told = await life.sync()
    await life.equals_the_truth()
    assert [(change["type"], change["source"], change["target"]) for change in told] == [
        ("relation.removed", before, gone),
        ("relation.added", target, gone),
    ]
    assert _parent(await life.export(), gone) == target


@pytest.mark.parametrize(
    ("state", "word"), [("SUSPENDED", "suspended"), ("PENDING_CLOSURE", "being closed"), ("CLOSED", "is closed")]
)
async def test_an_account_that_is_closed_keeps_its_rows_and_says_so(
    life: Subscriber, aws: Sandbox, gone: str, state: str, word: str
) -> None:
    before = await life.export()
    aws.change({"account": gone, "state": state})
    told = await life.sync()  # known and said: no failure
    await life.equals_the_truth(accounts=set(aws.members))
    (changed,) = told
    assert (changed["type"], changed["native_id"], changed["values"]) == ("resource.changed", gone, {"state": state})
    scope = (await life.scopes())[f"iam/{gone}"]
    assert scope.state == "unreachable"
    assert word in scope.reason.text
    principal = next(row["native_id"] for row in map(json.loads, before) if _in(row, "iam_user", gone))
    answer = await queries.can(life.home.graph, await queries.resolve(life.home.graph, principal))
    assert "unreachable" in {view.state for view in answer.freshness}, "the answer says what it rests on"
    aws.change({"account": gone, "state": "ACTIVE"})
    (back,) = await life.sync()
    assert back["values"] == {"state": "ACTIVE"}
    assert (await life.scopes())[f"iam/{gone}"].state == "complete"
    assert await life.export() == before


async def test_an_account_closes_and_is_gone_in_the_end(life: Subscriber, aws: Sandbox, gone: str) -> None:
    aws.admin("organizations").close_account(AccountId=gone)
    await life.sync()
    assert (await life.scopes())[f"iam/{gone}"].state == "unreachable"
    aws.change({"account": gone, "state": "CLOSED"}, {"leave": gone})
    told = await life.sync()
    assert of(told, "scope.retired", scope=f"iam/{gone}")
    await life.equals_the_truth()


FILTERS = ("exclude_accounts", "include_accounts", "exclude_ous", "include_ous", "child_iam")


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_drops_accounts_and_its_end_brings_them_back(
    life: Subscriber, aws: Sandbox, gone: str, name: str
) -> None:
    before = await life.export()
    await life.connect(**_filter(aws, name, gone, _parent(before, gone)))
    told = await life.sync()
    dropped = {change["account"] for change in of(told, "scope.retired")}
    assert gone in dropped
    assert _besides_aliases(told) == [("scope.retired", account) for account in sorted(dropped)]
    assert all(change["why"] for change in of(told, "scope.retired"))
    kept = set(aws.members) - dropped
    assert {view.account for view in (await life.scopes()).values() if view.source == "iam"} == kept
    await life.equals_the_truth(accounts=kept)
    assert await _reaches(life, _principal(before, gone)) == []
    await life.connect()
    told = await life.sync()
    assert _besides_aliases(told) == [("scope.returned", account) for account in sorted(dropped)]
    assert await life.export() == before


async def test_a_removed_connector_leaves_nothing_that_counts(life: Subscriber, aws: Sandbox) -> None:
    before = await life.export()
    scopes = set(await life.scopes())
    await connectors.remove(life.home.graph, "prod")
    told = await life.hear()
    assert {change["scope"] for change in of(told, "scope.retired")} == scopes
    assert len(_besides_aliases(told)) == len(scopes)
    assert await life.export() == []
    assert await life.scopes() == {}
    assert await _reaches(life, _principal(before, aws.account)) == []
    await life.connect()
    await life.sync(full=True)
    assert await life.export() == before, "added again, it goes on from what was known"


def _besides_aliases(told: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Type and account of the changes, sorted. What an account says of itself comes and goes with its own IAM."""
    aliases = of(told, "resource.changed", kind="account", fields=["aliases"])
    return sorted((change["type"], change["account"]) for change in told if change not in aliases)


def _filter(aws: Sandbox, name: str, gone: str, parent: str) -> dict[str, Any]:
    """A filter that leaves out ``gone``, and perhaps others."""
    units = [unit["id"] for unit in aws.change()["units"] if unit["parent"] == aws.facts["organization"]["root"]]
    told: dict[str, Any] = {
        "exclude_accounts": [gone],
        "include_accounts": [one for one in aws.members if one != gone],
        "exclude_ous": [parent],
        "include_ous": [unit for unit in units if unit not in _above(aws, gone)],
        "child_iam": False,
    }
    return {name: told[name]}


def _above(aws: Sandbox, account: str) -> set[str]:
    """The units that an account is in, the outer ones too."""
    shown = aws.change()
    parents = {unit["id"]: unit["parent"] for unit in shown["units"]}
    at = next(each["parent"] for each in shown["accounts"] if each["id"] == account)
    found = set()
    while at is not None:
        found.add(at)
        at = parents[at]
    return found


async def _who_can(life: Subscriber, role: str) -> list[Any]:
    """The ends of every path to a role."""
    answer = await queries.who_can(life.home.graph, await queries.resolve(life.home.graph, role))
    return [path.end for path in answer.paths]


async def _reaches(life: Subscriber, principal: str) -> list[Any]:
    """What a principal reaches: nothing, where nobody knows it any more or only a name is left."""
    try:
        node = await queries.resolve(life.home.graph, principal)
    except NotFound:
        return []
    assert not node.owned
    return (await queries.can(life.home.graph, node)).paths


def _kinds_of_principals(ends: Iterable[Any], account: str) -> set[str]:
    """As what an account's users and roles are shown."""
    words = (f":iam::{account}:user/", f":iam::{account}:role/")
    return {end.kind for end in ends if any(word in end.native_id for word in words)}


def _trust(export: list[str], gone: str, neighbour: str) -> tuple[str, str]:
    """A role of the one account, and a role of its neighbour that lets it knock."""
    rows = (json.loads(line) for line in export)
    return next(
        (row["source"], row["target"])
        for row in rows
        if row["kind"] == "can_assume"
        and row["source_kind"] == "iam_role"
        and f":{gone}:" in row["source"]
        and f":{neighbour}:" in row["target"]
    )


def _principal(export: list[str], account: str) -> str:
    return str(next(row["native_id"] for row in map(json.loads, export) if _in(row, "iam_user", account)))


def _in(row: dict[str, Any], kind: str, account: str) -> bool:
    return (row["type"], row["kind"], row.get("account")) == ("resource", kind, account)


def _parent(export: list[str], account: str) -> str:
    """The root or unit that contains an account."""
    rows = (json.loads(line) for line in export)
    return str(next(row["source"] for row in rows if row["kind"] == "contains" and row.get("target") == account))
