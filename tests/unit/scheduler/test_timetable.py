"""When a connector is due."""

from datetime import UTC, datetime, timedelta

import pytest

from grantwire.graph.runs import TimetableRow
from grantwire.scheduler.timetable import due

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def entry(name: str = "a", *, ago: int | None, running: bool = False, interval: int = 900) -> TimetableRow:
    begun = NOW - timedelta(seconds=ago) if ago is not None else None
    return TimetableRow(name, timedelta(seconds=interval), begun, running)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry(ago=900), ["a"]),  # exactly one interval ago
        (entry(ago=899), []),  # not yet
        (entry(ago=5_000, running=True), []),  # a run that has not ended is never doubled
        (entry(ago=None), []),  # its first run is asked for when it is added
        (entry(ago=-60), []),  # a clock that went back does not make it due
    ],
)
def test_a_connector_is_due_one_interval_after_its_last_run_began(given: TimetableRow, expected: list[str]) -> None:
    assert due(NOW, [given]) == expected


def test_the_longest_waiting_goes_first() -> None:
    assert due(NOW, [entry("b", ago=1_000), entry("c", ago=3_000), entry("a", ago=1_000)]) == ["c", "a", "b"]
