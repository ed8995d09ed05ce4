"""What a caller of the client meets besides an outcome."""

from uuid import UUID

from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.outcomes import CommandTold


class StillRunning(GrantwireError):
    """Time is up and the command has no outcome yet: it goes on without anybody waiting. ``last`` is what was told of
    it so far; ``stored`` whether the bus has it."""

    def __init__(self, command: UUID, last: CommandTold | None, *, stored: bool, seconds: float) -> None:
        super().__init__(_sentence(command, last, stored, seconds))
        self.command = command
        self.last = last
        self.stored = stored


class CursorLost(GrantwireError):
    """What lies between a cursor and now cannot be told any more: nobody may go on as if nothing had happened."""


def _sentence(command: UUID, last: CommandTold | None, stored: bool, seconds: float) -> str:
    return f"Command {command} has no outcome after {seconds:g} s: {_standing(last, stored)}; next: {_step(command)}"


def _standing(last: CommandTold | None, stored: bool) -> str:
    if last is not None:
        why = f" ({last.reason.text})" if last.reason else ""
        return f"the last that was told of it is {last.state!r}{why}, and it goes on"
    if stored:
        return "the bus has it, and no provisioner has taken it yet"
    return "the bus did not acknowledge it, so it may be there or not"


def _step(command: UUID) -> str:
    return f"wait on with outcome({str(command)!r}), or send it again under the same id; it is carried out once."
