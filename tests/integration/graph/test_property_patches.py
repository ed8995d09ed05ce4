"""Whatever arrives in whatever order: readings, late ones, patches, failures. Each part is what the newest reading of
it said, by its place in the stream; and the last step of each scope is a late reading from before a command."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantwire.graph import Graph
from grantwire.graph.statements import patching as sql
from tests.integration.graph.patch_life import PARTS, Life
from tests.integration.graph.patches import (
    ASSIGNMENTS,
    IAM,
)
from tests.support.postgres import Server, drop_database, new_database


async def _play(steps: list[Any], ends: list[Any], server: Server, template_url: str) -> None:
    url = await new_database(server, template_url.rpartition("/")[2].partition("?")[0])
    try:
        async with Graph.open(url, application_name="tests", max_size=2) as graph:
            await Life(graph).live(steps, ends)
    finally:
        await drop_database(server, url)


keys, letters, numbers = st.sampled_from(sorted(PARTS)), st.sampled_from("gh"), st.integers(0, 11)
step = st.one_of(
    st.tuples(st.sampled_from(("toggle", "change")), keys, numbers, letters),
    st.tuples(st.sampled_from(("change", "at_once", "at_once")), keys, numbers, letters),
    st.tuples(st.sampled_from(("stale", "stale", "begin", "level", "fail", "same", "age")), keys),
    st.tuples(st.sampled_from(("arrive", "arrive", "again")), keys, numbers),
)
endings = st.tuples(*(st.tuples(numbers, letters) for _ in PARTS))


def steps(longest: int) -> Any:
    return st.lists(step, min_size=longest // 2, max_size=longest)


_QUICK: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=8, **_QUICK)
@given(steps=steps(24), ends=endings)
def test_any_order_of_arrival(steps: list[Any], ends: Any, postgres_server: Server, template_url: str) -> None:
    asyncio.run(_play(steps, ends, postgres_server, template_url))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=100, **{**_QUICK, "derandomize": False})
@given(steps=steps(80), ends=endings)
def test_any_order_of_arrival_at_length(
    steps: list[Any], ends: Any, postgres_server: Server, template_url: str
) -> None:
    asyncio.run(_play(steps, ends, postgres_server, template_url))


PLANTED = {
    "no fence": (["FENCES"], lambda statement: statement.replace("WHERE", "WHERE false AND")),
    "fences that forget which part": (["FENCES"], lambda statement: statement.replace("of_kind,", "0 AS of_kind,")),
    "no dispute": (["FENCES"], lambda statement: statement.replace("- $4::interval", "+ 0 * $4::interval")),
    "a digest that outlives a patch": (
        ["FENCE", "TELL_AND_FENCE"],
        lambda statement: statement.replace("SET digest = NULL, rows", "SET rows"),
    ),
    "fences that go too early": (
        ["SETTLE"],
        lambda statement: statement.replace("- $5::interval", "+ 0 * $5::interval"),
    ),
}
_TELLING: list[Any] = [
    ("at_once", IAM, 0, "h"), ("stale", IAM), ("begin", IAM), ("change", IAM, 3, "g"), ("toggle", IAM, 2, "h"),
    ("begin", IAM), ("arrive", IAM, 1), ("arrive", IAM, 1), ("stale", IAM), ("at_once", ASSIGNMENTS, 0, "g"),
    ("begin", ASSIGNMENTS), ("arrive", IAM, 1), ("stale", ASSIGNMENTS),
]  # fmt: skip


@pytest.mark.parametrize(("names", "planted"), PLANTED.values(), ids=PLANTED)
def test_a_planted_mistake_is_caught(
    names: list[str],
    planted: Callable[[str], str],
    postgres_server: Server,
    template_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in names:
        said = getattr(sql, name)
        assert planted(said) != said
        monkeypatch.setattr(sql, name, planted(said))
    with pytest.raises(AssertionError):
        asyncio.run(_play(_TELLING, [(0, "g"), (0, "h")], postgres_server, template_url))


def test_the_same_steps_without_a_mistake(postgres_server: Server, template_url: str) -> None:
    asyncio.run(_play(_TELLING, [(0, "g"), (0, "h")], postgres_server, template_url))
