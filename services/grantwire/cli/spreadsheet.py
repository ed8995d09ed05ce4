"""CSV that a spreadsheet shows and never runs. Pure.

A cell that begins with one of ``= + - @`` is a formula to Excel, LibreOffice and Google Sheets, whatever its quotes:
https://owasp.org/www-community/attacks/CSV_Injection. Names come from other people.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from grantwire.cli.output import clean

# The full-width forms are taken for the plain ones by spreadsheets of some languages.
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROL: Final = ("\t", "\r", "\n")


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header and the rows after RFC 4180, lines ended by CR LF. None is an empty cell, a truth `true` or `false`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """Controls become visible, so a terminal is as safe as a spreadsheet; what would be a formula begins with ``'``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    risky = text.startswith(_CONTROL) or text.lstrip().startswith(_FORMULA)
    return f"'{clean(text)}" if risky else clean(text)
