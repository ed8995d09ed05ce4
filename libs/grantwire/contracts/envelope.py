"""The envelope: CloudEvents 1.0 attributes in ``ce-`` headers (binary mode), the body is the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from grantwire.contracts.failures import Malformed

ID: Final = "ce-id"
TYPE: Final = "ce-type"
SOURCE: Final = "ce-source"
TIME: Final = "ce-time"
SPEC_VERSION: Final = "ce-specversion"
SUBJECT: Final = "ce-subject"
TENANT: Final = "ce-tenantid"
TRACEPARENT: Final = "traceparent"
CONTENT_TYPE: Final = "content-type"
MESSAGE_ID: Final = "Nats-Msg-Id"
SNAPSHOT: Final = "Gw-Snapshot"  # which snapshot a chunk belongs to: interleaved ones share a subject
CHUNK: Final = "Gw-Chunk"  # the chunk's number, from 0


@dataclass(frozen=True, slots=True)
class Envelope:
    """``time`` is RFC 3339; ``source`` is the connector's id or the service that speaks."""

    id: str
    type: str
    source: str
    time: str
    tenant: str = "1"
    subject: str | None = None
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers of a message, without ``Nats-Msg-Id``: the publisher adds it."""
        headers = {
            SPEC_VERSION: "1.0",
            ID: self.id,
            TYPE: self.type,
            SOURCE: self.source,
            TIME: self.time,
            TENANT: self.tenant,
            CONTENT_TYPE: "application/json",
        }
        if self.subject:
            headers[SUBJECT] = self.subject
        if self.traceparent:
            headers[TRACEPARENT] = self.traceparent
        return headers

    @classmethod
    def read(cls, headers: Mapping[str, str] | None) -> "Envelope":
        """Raises ``Malformed`` when a required attribute is missing."""
        given = headers or {}
        missing = [name for name in (ID, TYPE, SOURCE) if not given.get(name)]
        if missing:
            raise Malformed(
                f"The message has no {', '.join(missing)} header; publishers must send CloudEvents attributes."
            )
        return cls(
            given[ID],
            given[TYPE],
            given[SOURCE],
            given.get(TIME, ""),
            given.get(TENANT, "1"),
            given.get(SUBJECT),
            given.get(TRACEPARENT),
        )
