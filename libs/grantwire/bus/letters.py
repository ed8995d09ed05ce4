"""Dead letters: a message that was given up on, with its own headers and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client

from grantwire.bus.outgoing import Outgoing, one_line, own_headers
from grantwire.bus.sending import persist
from grantwire.contracts import subjects
from grantwire.contracts.envelope import ID, TYPE
from grantwire.contracts.streams import DEAD
from grantwire.telemetry import utc_now

_PREFIX: Final = "Gw-Dead-"
REASON: Final = f"{_PREFIX}Reason"
DELIVERIES: Final = f"{_PREFIX}Deliveries"
STREAM: Final = f"{_PREFIX}Stream"
CONSUMER: Final = f"{_PREFIX}Consumer"
SEQUENCE: Final = f"{_PREFIX}Sequence"
SUBJECT: Final = f"{_PREFIX}Subject"
AT: Final = f"{_PREFIX}At"


@dataclass(frozen=True, slots=True)
class Letter:
    """``number`` is its sequence in DEAD, 0 before it lies there; ``sequence`` is the original's in ``stream``."""

    number: int
    stream: str
    consumer: str
    sequence: int
    subject: str
    reason: str
    deliveries: int
    at: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The same for every copy of one failure, whoever makes it: the bus keeps one."""
        return f"{self.stream}:{self.sequence}:{self.consumer}"

    @property
    def type(self) -> str:
        return self.headers.get(TYPE, "")

    @property
    def message_id(self) -> str:
        return self.headers.get(ID, "")


def letter_of(
    *,
    stream: str,
    consumer: str,
    sequence: int,
    subject: str,
    headers: Mapping[str, str] | None,
    body: bytes,
    reason: str,
    deliveries: int,
) -> Letter:
    """A letter about a message as it lies in its stream."""
    at = utc_now().isoformat()
    return Letter(0, stream, consumer, sequence, subject, one_line(reason), deliveries, at, own_headers(headers), body)


def outgoing(letter: Letter) -> Outgoing:
    """The letter as a message for DEAD."""
    told = {
        REASON: letter.reason,
        DELIVERIES: str(letter.deliveries),
        STREAM: letter.stream,
        CONSUMER: letter.consumer,
        SEQUENCE: str(letter.sequence),
        SUBJECT: letter.subject,
        AT: letter.at,
    }
    return Outgoing(subjects.dead(letter.stream, letter.consumer), letter.body, {**letter.headers, **told}, letter.id)


def read(number: int, headers: Mapping[str, str], body: bytes) -> Letter:
    """The letter that lies in DEAD under ``number``; what a foreign message lacks is left empty."""
    return Letter(
        number,
        headers.get(STREAM, ""),
        headers.get(CONSUMER, ""),
        int(headers.get(SEQUENCE, "0")),
        headers.get(SUBJECT, ""),
        headers.get(REASON, ""),
        int(headers.get(DELIVERIES, "0")),
        headers.get(AT, ""),
        {name: value for name, value in own_headers(headers).items() if not name.startswith(_PREFIX)},
        body,
    )


async def bury(client: Client, letter: Letter, *, deadline: float) -> None:
    """Copy it to DEAD, once however often it is tried. Raises ``DependencyDown``."""
    await persist(client, DEAD.name, outgoing(letter), deadline=deadline)
