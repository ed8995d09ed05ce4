"""The live picture: which accounts it shows, what it counts, and that it fits whatever terminal there is."""

import io
from typing import Any

import pytest
from rich.console import Console

from grantwire.cli.bars import Bars, chosen, rest, totals

BUSY_LAST = ["complete"] * 400 + ["requested"] * 90 + ["published"] * 4 + ["stale"] * 3 + ["unreachable"] * 3


def part(number: int, state: str, **but: Any) -> dict[str, Any]:
    base = {"scope": f"iam/{number:012}", "account": f"{number:012}", "name": f"Account {number}", "state": state}
    return {**base, "calls": {"iam:ListUsers": 2}, "throttled": 0, "reason": None, **but}


def parts(*states: str) -> list[dict[str, Any]]:
    return [part(number, state) for number, state in enumerate(states)]


def run(scopes: list[dict[str, Any]], state: str = "running") -> dict[str, Any]:
    return {"run": "r", "state": state, "published": state != "running", "scopes": scopes}


def drawn(run: dict[str, Any], width: int = 110, height: int = 24) -> list[str]:
    ticks = iter(range(10_000))
    bars = Bars(lambda: float(next(ticks)))
    bars.show("demo", run)
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as taken:
        console.print(bars)
    return [line.rstrip() for line in taken.get().splitlines()]


def test_few_accounts_are_all_shown_in_their_order() -> None:
    few = parts("complete", "published", "stale")
    assert chosen(few, 10) == few
    assert rest(few, 10) == ""


def test_of_many_those_that_are_read_or_ill_are_shown_and_the_rest_is_counted() -> None:
    many = parts(*BUSY_LAST)
    assert {each["state"] for each in chosen(many, 11)} == {"published", "stale", "unreachable"}
    assert rest(many, 11) == "… and 490 more: 400 complete, 90 waiting"


def test_a_run_is_told_in_one_line() -> None:
    found = [part(0, "complete", scope="organization/o-1"), *parts("complete", "published", "stale", "unreachable")]
    assert totals(found) == "3 of 4 accounts · 1 stale · 1 unreachable · 10 calls"
    assert totals([part(0, "complete", throttled=2)]) == "1 of 1 account · 2 calls · 2 throttled"


@pytest.mark.parametrize("width", [70, 90, 130])
def test_five_hundred_accounts_fit_a_terminal(width: int) -> None:
    lines = drawn(run(parts(*BUSY_LAST)), width)
    assert len(lines) < 24
    assert max(map(len, lines)) <= width
    assert "406 of 500 accounts" in lines[0]
    assert "490 more" in lines[-1] or "more: 400 complete" in lines[-1]


def test_what_aws_said_is_shown_without_its_next_step_and_never_as_markup() -> None:
    reason = {"code": "denied", "text": "[red]No[/red]; next: mend it."}
    ended = [part(1, "stale", reason=reason, name="[b]x\x1b[1m"), part(2, "unreachable")]
    text = "\n".join(drawn(run(ended, "partial")))
    assert "stale: [red]No[/red]" in text
    assert "mend it" not in text
    assert "[b]x\\x1b[1m" in text
