"""When a connector is due."""

from datetime import UTC, datetime, timedelta

import pytest

from grantwire.graph.runs import TimetableRow
from grantwire.scheduler.timetable import due, jitter

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def entry(name: str = "a", *, ago: int | None, running: bool = False, interval: int = 900) -> TimetableRow:
    begun = NOW - timedelta(seconds=ago) if ago is not None else None
    return TimetableRow(name, timedelta(seconds=interval), begun, running)


def names(entries: list[TimetableRow]) -> list[str]:
    return [row.connector for row in due(NOW, entries)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry(ago=990), ["a"]),  # one interval ago, and the most that jitter adds
        (entry(ago=899), []),  # not yet
        (entry(ago=5_000, running=True), []),  # a run that has not ended is never doubled
        (entry(ago=None), []),  # its first run is asked for when it is added
        (entry(ago=-60), []),  # a clock that went back does not make it due
    ],
)
def test_a_connector_is_due_an_interval_after_its_last_run_began(given: TimetableRow, expected: list[str]) -> None:
    assert names([given]) == expected


def test_the_longest_waiting_goes_first() -> None:
    assert names([entry("b", ago=1_000), entry("c", ago=3_000), entry("a", ago=1_000)]) == ["c", "a", "b"]


def test_jitter_is_of_the_run_and_never_more_than_a_tenth_of_the_interval() -> None:
    waits = [jitter(entry(f"c{n}", ago=n)).total_seconds() for n in range(200)]
    assert all(0 <= wait < 90 for wait in waits)
    assert min(waits) < 9 and max(waits) > 81, "they drift apart over the whole tenth"
    assert jitter(entry("c1", ago=1)).total_seconds() == waits[1], "everybody computes the same"
    assert len({jitter(entry("a", ago=n)) for n in range(50)}) > 40, "one connector waits differently each time"


def test_a_connector_is_due_exactly_when_its_jitter_is_over() -> None:
    row = entry(ago=1_000)
    assert row.last_begun is not None
    moment = row.last_begun + row.interval + jitter(row)
    assert due(moment, [row]) == [row] and due(moment - timedelta(microseconds=1), [row]) == []
