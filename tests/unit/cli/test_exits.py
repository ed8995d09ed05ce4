"""One number for each kind of ending, whether the failure happened here or in the api."""

import pytest

from grantwire.cli.exits import Exit, stop_of, stop_of_problem
from grantwire.cli.main import invoke
from grantwire.contracts.failures import (
    Ambiguous,
    AwsCause,
    AwsError,
    Conflict,
    DependencyDown,
    GrantwireError,
    Invalid,
    NotFound,
)


def aws(cause: AwsCause) -> AwsError:
    return AwsError("No.", cause=cause, operation="sts:AssumeRole", code="X")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Invalid("x", "y"), 2),
        (Ambiguous("x", []), 2),
        (NotFound("x"), 4),
        (aws(AwsCause.DENIED), 5),
        (Conflict("x"), 6),
        (aws(AwsCause.CLOCK), 1),
        (aws(AwsCause.TRANSIENT), 1),
        (DependencyDown("x"), 1),
    ],
)
def test_each_failure_has_its_number(error: GrantwireError, code: int) -> None:
    assert stop_of(error).code == code


@pytest.mark.parametrize(
    ("status", "slug", "code"),
    [
        (422, "invalid", 2),
        (409, "ambiguous", 2),
        (404, "not-found", 4),
        (401, "unauthenticated", 5),
        (403, "aws-denied", 5),
        (409, "conflict", 6),
        (502, "aws-clock", 1),
        (503, "aws-unavailable", 1),
        (500, "unexpected", 1),
    ],
)
def test_each_problem_has_its_number(status: int, slug: str, code: int) -> None:
    stop = stop_of_problem(status, {"type": f"urn:grantwire:problem:{slug}", "detail": "So.", "next_step": "Do."})
    assert (stop.code, str(stop), stop.next_step) == (code, "So.", "Do.")


def test_an_answer_that_is_no_problem_still_ends_in_a_sentence() -> None:
    assert str(stop_of_problem(502, {})) == "The api answered 502."


def failing() -> None:
    raise ZeroDivisionError("by zero")


def test_what_nobody_foresaw_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRANTWIRE_DEBUG", raising=False)
    assert invoke(failing) == Exit.FAILED
    said = capsys.readouterr().err
    assert said.startswith("error: Unexpected ZeroDivisionError: by zero")
    assert "Traceback" not in said
    assert "logs/grantwire.log" in said


def test_debugging_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRANTWIRE_DEBUG", "1")
    invoke(failing)
    assert "Traceback" in capsys.readouterr().err


def test_several_failures_at_once_are_told_by_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    def group() -> None:
        raise ExceptionGroup("tasks", [NotFound("There is no x.")])

    assert invoke(group) == Exit.NOT_FOUND
    assert "There is no x." in capsys.readouterr().err
