"""CSV that no spreadsheet executes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.cli.spreadsheet import cell, csv_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\x09=1"),
        ("\r=1", "'\\x0d=1"),
        ("\n=1", "'\\x0a=1"),
        ("  =1", "'  =1"),  # some programs trim first
        ("＝1+1", "'＝1+1"),
        ("a=b", "a=b"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\r\nlines", "two\\x0d\\x0alines"),
        ("gro\u202eper", "gro\\u202eper"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
    ],
)
def test_a_cell_is_text_and_nothing_else(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_quotes_and_separators_follow_rfc_4180() -> None:
    text = csv_text(("id", "name"), [("a", 'say "hi", you'), ("b", None)])
    assert text == 'id,name\r\na,"say ""hi"", you"\r\nb,\r\n'


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_whatever_a_name_is_a_row_stays_one_row_without_formulas(names: list[str]) -> None:
    text = csv_text(["x"] * len(names), [names])
    assert text.count("\r\n") == 2 and text.replace("\r\n", "").isprintable()
    _, read = csv.reader(io.StringIO(text, newline=""))
    assert len(read) == len(names)
    assert not any(each.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) for each in read)
