"""When waiting for chunks is no use."""

from typing import Any

import pytest

from grantwire.bus import Delivery
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.snapshots import Body, Outcome, SnapshotSealed
from grantwire.projector.handlers import PATIENCE, lost
from grantwire.telemetry import utc_now

WHO: dict[str, Any] = {"snapshot": "s", "run": "r", "connector": "c", "source": "iam", "scope": "iam/1", "account": "1"}


@pytest.mark.parametrize(
    ("first", "last", "attempt", "expected"),
    [
        (1, 30, 1, False),  # a replica may lag behind what the leader says
        (1, 30, PATIENCE - 1, False),
        (1, 30, PATIENCE, True),
        (1, 19, PATIENCE + 9, False),  # the stream itself ends before the seal: it lags
        (10, 30, 1, False),  # the begin is there, and so is what followed it
        (11, 30, 1, True),  # the begin is gone
    ],
)
def test_lost(first: int, last: int, attempt: int, expected: bool) -> None:
    """A seal at 20 whose begin was at 10."""
    seal = SnapshotSealed(
        **WHO, fence=10, last_read=12, read_began_at=utc_now(), plan="bulk", outcome=Outcome.COMPLETE, body=Body.CHUNKS
    )
    envelope = Envelope("id", "type", "source", "time")
    delivery = Delivery("SNAPSHOTS", "consumer", "subject", 20, attempt, False, envelope, {}, b"", utc_now())
    assert lost(seal, delivery, first, last) is expected
