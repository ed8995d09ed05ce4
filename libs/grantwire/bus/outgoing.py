"""A message on its way out: its headers, its size, and the sentence for one that is too large. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from grantwire.contracts.envelope import MESSAGE_ID
from grantwire.contracts.failures import Oversized
from grantwire.contracts.text import storable

ROOM: Final = (
    8_192  # a dead letter carries the original and its own headers: what is published must leave room for them
)
BATCH_MESSAGES: Final = 200
BATCH_BYTES: Final = 8_000_000

_EXPECTED_STREAM: Final = "Nats-Expected-Stream"
_SERVERS_OWN: Final = "nats-"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """``id`` becomes ``Nats-Msg-Id``: the same for every repetition, never used for another message."""

    subject: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    id: str = ""

    def wire_headers(self, stream: str) -> dict[str, str]:
        """The headers as sent: the stream is always named, so a message cannot land in another or in none."""
        return {**self.headers, MESSAGE_ID: self.id, _EXPECTED_STREAM: stream}


def size(message: Outgoing, stream: str) -> int:
    """Bytes the server counts against its limit: the headers too, which the client library does not count."""
    headers = message.wire_headers(stream).items()
    return len(message.body) + 14 + sum(len(name.encode()) + len(value.encode()) + 4 for name, value in headers)


def require_size(message: Outgoing, stream: str, limit: int) -> None:
    """Raises ``Oversized``. The server would close the connection for good instead of refusing the message."""
    if (found := size(message, stream)) > limit:
        raise Oversized(
            f"A message for {message.subject} has {found:,} bytes, {limit:,} are allowed; it was not sent. "
            "Send less at once or raise `max_payload` of NATS."
        )


def batches(items: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """The items in order, cut where a batch would pass 200 messages or 8 MB."""
    batch: list[Outgoing] = []
    weight = 0
    for item in items:
        if batch and (len(batch) == BATCH_MESSAGES or weight + len(item.body) > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += len(item.body)
    if batch:
        yield batch


def own_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers without the server's: ``Nats-Expected-Stream`` of the first journey would break the next one."""
    return {name: value for name, value in (headers or {}).items() if not name.lower().startswith(_SERVERS_OWN)}


def one_line(text: str, limit: int = 500) -> str:
    """Text that fits into a header."""
    flat = " ".join(str(storable(text)).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
