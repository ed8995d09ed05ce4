"""What a handler is told about the message it was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from grantwire.contracts.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Delivery:
    """``attempt`` counts from 1; ``last`` means that the server will not deliver it again after this."""

    stream: str
    consumer: str
    subject: str
    sequence: int
    attempt: int
    last: bool
    envelope: Envelope
    headers: Mapping[str, str]
    body: bytes
    at: datetime  # when the stream stored it, by the server's clock
