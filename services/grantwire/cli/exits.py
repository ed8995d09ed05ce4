"""How a command ends: one number for each kind of ending, and the sentence that goes with it."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from grantwire.contracts.failures import Ambiguous, AwsCause, AwsError, Conflict, GrantwireError, Invalid, NotFound


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FAILED = 1
    USAGE = 2  # wrong arguments or files, or a name that several things have
    PARTIAL = 3  # the answer is printed, but some of it is stale, overdue or could not be read
    NOT_FOUND = 4
    DENIED = 5
    CONFLICT = 6
    INTERRUPTED = 130


class Stop(Exception):
    """The command ends here, with a sentence for a person and perhaps a next step and candidates. ``fields`` are the
    settings that are to blame, or may be, with what is said of each."""

    def __init__(
        self,
        code: Exit,
        message: str,
        next_step: str = "",
        candidates: Sequence[str] = (),
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.next_step = next_step
        self.candidates = candidates
        self.fields = fields


def stop_of(error: GrantwireError) -> Stop:
    """A failure met in this process, such as while starting the services."""
    return Stop(_code_of(error), str(error), candidates=error.candidates if isinstance(error, Ambiguous) else ())


def stop_of_problem(status: int, problem: dict[str, Any]) -> Stop:
    """A problem the api answered with."""
    detail = str(problem.get("detail") or f"The api answered {status}.")
    return Stop(
        _code_of_status(status, str(problem.get("type", ""))),
        detail,
        str(problem.get("next_step", "")),
        [str(each) for each in problem.get("candidates", ())],
        [(str(each["field"]), str(each["message"])) for each in problem.get("errors", ())],
    )


def _code_of(error: GrantwireError) -> Exit:
    match error:
        case Invalid() | Ambiguous():
            return Exit.USAGE
        case NotFound():
            return Exit.NOT_FOUND
        case Conflict():
            return Exit.CONFLICT
        case AwsError(cause=AwsCause.DENIED):
            return Exit.DENIED
        case _:
            return Exit.FAILED


def _code_of_status(status: int, type_: str) -> Exit:
    if type_.endswith(":ambiguous") or status in (400, 413, 422):
        return Exit.USAGE
    by_status = {401: Exit.DENIED, 403: Exit.DENIED, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT}
    return by_status.get(status, Exit.FAILED)
