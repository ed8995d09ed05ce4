"""Nothing that AWS says can steer a terminal or be taken for markup."""

import io

import pytest
from rich.console import Console

from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import clean, print_json, print_stop, print_table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\ttab", "two\\x0alines\\x09tab"),
        ("[bold]markup[/]", "[bold]markup[/]"),
        ("gro\u202eper", "gro\\u202eper"),  # a direction mark makes a name read backwards
        ("zoë ☂ 名", "zoë ☂ 名"),
        (None, "None"),
    ],
)
def test_controls_become_visible(text: object, shown: str) -> None:
    assert clean(text) == shown


def test_without_a_terminal_a_table_is_lines_of_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "effect"), [("[red]x\x1b[2J", "allow"), ("y" * 300, "denied")])
    assert capsys.readouterr().out.splitlines() == ["[red]x\\x1b[2J\tallow", "y" * 300 + "\tdenied"]


def test_on_a_narrow_terminal_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=40, no_color=True)
    rows = [("AKIA111122223333AAA1", "a-name-that-is-quite-long@example.com", "", "no")]
    print_table(("key", "owner", "note", "MFA"), rows, console, whole=1)
    assert isinstance(console.file, io.StringIO)
    text = "".join(console.file.getvalue().split())
    assert "AKIA111122223333AAA1" in console.file.getvalue() and "…" not in text
    assert sum(text.count(letter) for letter in "@") == 1 and "note" not in text
    assert capsys.readouterr().out == ""


def test_json_goes_to_stdout_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "zoë\u202e"})
    said = capsys.readouterr()
    assert said.out == '{\n  "name": "zo\\u00eb\\u202e"\n}\n'
    assert said.err == ""


def test_an_ending_says_why_and_what_next_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_stop(Stop(Exit.USAGE, "Two things are called x.", "Name one.", ["arn:a", "arn:b"]))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "error: Two things are called x.",
        "  candidate: arn:a",
        "  candidate: arn:b",
        "next: Name one.",
    ]
