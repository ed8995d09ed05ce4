"""Pages: sums are exact whatever the mess, cursors survive writes, tokens belong to their operation."""

from __future__ import annotations

from typing import Any

import pytest

from grantwire.sandbox.paging import Mess, Page, Sorted, paginate
from grantwire.sandbox.wire.requests import Invalid

CONFIG = {"input_token": "Marker", "output_token": "Marker", "limit_key": "MaxItems", "more_results": "IsTruncated"}


def table(count: int) -> Sorted[str]:
    rows: Sorted[str] = Sorted()
    for number in range(count):
        rows.put(number, f"key-{number:04}", f"row-{number:04}")
    return rows


def page(rows: Sorted[str], mess: Mess, **params: Any) -> dict[str, Any]:
    return paginate("List", CONFIG | {"result_key": "Rows"}, params, Page(rows.after, lambda row: row), mess)


def walk(rows: Sorted[str], mess: Mess, **params: Any) -> tuple[list[str], list[str]]:
    found: list[str] = []
    markers: list[str] = []
    answer = page(rows, mess, **params)
    while True:
        found += answer["Rows"]
        if not answer["IsTruncated"]:
            assert "Marker" not in answer
            return found, markers
        markers.append(answer["Marker"])
        answer = page(rows, mess, **params, Marker=answer["Marker"])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1000])
@pytest.mark.parametrize("mess", [Mess(), Mess(0.7, 0.0, 1), Mess(0.0, 0.5, 2), Mess(0.6, 0.3, 3)], ids=repr)
def test_every_row_comes_once_and_in_order(count: int, mess: Mess) -> None:
    found, markers = walk(table(count), mess, MaxItems=37)
    assert found == [f"row-{number:04}" for number in range(count)]
    assert len(set(markers)) == len(markers)


def test_the_default_is_a_hundred() -> None:
    assert len(page(table(250), Mess())["Rows"]) == 100


def test_an_empty_page_has_a_new_marker_each_time() -> None:
    mess = Mess(empty=1.0)
    first = page(table(5), mess)
    second = page(table(5), mess, Marker=first["Marker"])
    assert first["Rows"] == second["Rows"] == []
    assert first["Marker"] != second["Marker"]


def test_a_cursor_is_a_key_so_writes_do_not_shift_it() -> None:
    rows = table(10)
    first = page(rows, Mess(), MaxItems=5)
    rows.drop(0)
    rows.put("new", "key-0002b", "late")
    second = page(rows, Mess(), MaxItems=50, Marker=first["Marker"])
    assert second["Rows"] == [f"row-{number:04}" for number in range(5, 10)]


@pytest.mark.parametrize("marker", ["nonsense", "e30=", "WzEsMl0=", "ÿÿ", "a"])
def test_a_marker_that_was_never_given_is_refused(marker: str) -> None:
    with pytest.raises(Invalid):
        page(table(3), Mess(), Marker=marker)


def test_a_marker_of_another_operation_is_refused() -> None:
    marker = page(table(300), Mess())["Marker"]
    other = Page(table(3).after, lambda row: row)
    with pytest.raises(Invalid):
        paginate("Other", CONFIG | {"result_key": "Rows"}, {"Marker": marker}, other, Mess())
