"""The streams and consumers of ``contracts/streams.py`` as the server spells them, and how a live one differs. Pure."""

from datetime import datetime
from typing import Any, Final

from grantwire.contracts.streams import Consumer, Stream

Json = dict[str, Any]

_NANO: Final = 1_000_000_000
_CAPACITY: Final = frozenset({"max_bytes", "max_age"})


def stream_shape(stream: Stream) -> Json:
    """What ``apply`` asks for, and what it compares. Replicas and placement are left to whoever runs the cluster."""
    return {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": stream.retention,
        "storage": "file",
        "compression": "s2",
        "discard": stream.discard,
        "max_age": round(stream.max_age * _NANO),
        "max_bytes": stream.max_bytes,
        "max_msgs_per_subject": 1 if stream.one_per_subject else -1,
        "discard_new_per_subject": stream.one_per_subject,
        "duplicate_window": round(stream.duplicate_window * _NANO),
        "allow_direct": True,
        "allow_atomic": stream.atomic_batches,
        "deny_delete": stream.deny_delete,
    }


def first_sequence(stream: Stream, now: datetime) -> int:
    """Where a newly made stream begins to count.

    Fences are sequences of the logs. If a log is lost and made again, counting from 1 would put every new snapshot
    behind the fences in the graph and nothing would ever be applied; counting from the clock keeps it ahead, unless a
    stream took more than 100,000 messages a second all its life.
    """
    return int(now.timestamp() * 100_000) if stream.deny_delete else 1


def consumer_shape(consumer: Consumer) -> Json:
    """``backoff`` must be absent: the server would take its first entry for ``ack_wait``."""
    return {
        "durable_name": consumer.name,
        "name": consumer.name,
        "filter_subjects": list(consumer.subjects),
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "replay_policy": "instant",
        "ack_wait": round(consumer.ack_wait * _NANO),
        "max_deliver": consumer.max_deliver,
        "max_ack_pending": consumer.max_ack_pending,
        "backoff": None,
    }


def differences(live: Json, wanted: Json) -> list[str]:
    """One phrase a field, such as ``ack_wait 7000000000 -> 10000000000``; empty when the live one is as wanted."""
    return [
        f"{field} {_plain(live.get(field))} -> {_plain(value)}"
        for field, value in wanted.items()
        if _comparable(live.get(field)) != _comparable(value)
    ]


def without_capacity(wanted: Json) -> Json:
    """The fields a service depends on. How much a stream keeps may be widened by hand in an emergency."""
    return {field: value for field, value in wanted.items() if field not in _CAPACITY}


def merged(live: Json, wanted: Json) -> Json:
    """The live configuration with our fields set, so that an update never erases what we do not know."""
    return {field: value for field, value in (live | wanted).items() if value is not None}


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    return value or None  # the server leaves out what is false, zero or empty


def _plain(value: Any) -> str:
    return "none" if value is None else str(value)
