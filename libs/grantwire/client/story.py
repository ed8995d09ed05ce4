"""What was told of one command so far: each message once, in order, and nothing of a stranger's. Pure."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.outcomes import CommandRefused, CommandTold
from grantwire.contracts.snapshots import Reason

ID_REUSED: Final = "id_reused"


@dataclass
class Story:
    """``command`` is None for somebody who only listens: then whatever bears the id is meant."""

    id: UUID
    command: AccessCommand | None = None
    last: CommandTold | None = None

    def news(self, told: CommandTold) -> CommandTold | None:
        """The message, if it is news to whoever waits. Where another command has this id, a refusal."""
        if told.command != self.id:
            return None
        if told.n < 0:  # the refusal of a reused id: only its own sender hears it
            return self._keep(told) if self._own(told) else None
        if self.command is not None and told.fingerprint is not None and not self._own(told):
            return self._keep(_refusal(self.command, told))
        return self._keep(told) if self.last is None or told.n > self.last.n else None

    def _own(self, told: CommandTold) -> bool:
        return self.command is not None and told.fingerprint == self.command.fingerprint()

    def _keep(self, told: CommandTold) -> CommandTold:
        self.last = told
        return told


def _refusal(command: AccessCommand, other: CommandTold) -> CommandRefused:
    """What the provisioner says too, as ``n`` -1, to whoever listens at that moment."""
    text = "This id is of another command of the same team, whose outcome stands; next: send it with an id of its own."
    fields = {name: getattr(command, name) for name in ("connector", "account", "principal", "target", "requester")}
    return CommandRefused(
        command=command.id,
        n=-1,
        team=other.team,
        verb=command.verb(),
        fingerprint=command.fingerprint(),
        at=other.at,
        reason=Reason(code=ID_REUSED, text=text),
        **fields,
    )
