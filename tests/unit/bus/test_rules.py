"""The bus's pure rules: how long to wait, what to give up on, what differs, what is too large."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from nats.js.errors import APIError

from grantwire.bus.backoff import CAP_SECONDS, delay
from grantwire.bus.connection import shown
from grantwire.bus.errors import Busy, Full
from grantwire.bus.outgoing import BATCH_BYTES, Outgoing, batches, one_line, own_headers, require_size, size
from grantwire.bus.sending import refusal
from grantwire.bus.shape import consumer_shape, differences, first_sequence, merged, stream_shape
from grantwire.bus.verdict import Again, GiveUp, explained, judge
from grantwire.contracts.failures import DependencyDown, Invalid, Malformed, NotFound, Oversized, Transient
from grantwire.contracts.streams import CONSUMERS, JOBS, SNAPSHOTS, STREAMS


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (11, 512.0), (12, 600.0), (5_000, 600.0)]
)
def test_a_delay_doubles_up_to_ten_minutes_and_half_of_it_is_jitter(attempt: int, longest: float) -> None:
    drawn = [delay(attempt, base=0.5) for _ in range(200)]
    assert longest / 2 <= min(drawn) < max(drawn) <= longest <= CAP_SECONDS


def test_a_delay_is_at_least_what_the_cause_asks_for() -> None:
    assert delay(1, base=0.5, least=90.0) == 90.0
    assert delay(1, base=0.5, least=900.0) == 900.0


@pytest.mark.parametrize("error", [Malformed("x"), NotFound("x"), Invalid("x", "y"), Oversized("x")])
def test_our_own_final_errors_are_given_up_on(error: Exception) -> None:
    assert judge(error, 1, 0.5) == GiveUp()


@pytest.mark.parametrize("error", [Transient("x"), DependencyDown("x"), KeyError("x"), TimeoutError(), OSError("x")])
def test_what_may_pass_and_what_surprises_is_tried_again(error: Exception) -> None:
    assert isinstance(judge(error, 1, 0.5), Again)


def test_a_reason_is_our_sentence_or_the_kind_of_surprise() -> None:
    assert explained(NotFound("There is no connector prod.")) == "There is no connector prod."
    assert explained(KeyError("x")) == "KeyError: 'x'"


def test_the_server_leaves_out_what_is_false_zero_or_none_and_that_is_no_difference() -> None:
    wanted = stream_shape(JOBS)
    live = {field: value for field, value in wanted.items() if value}
    assert differences(live, wanted) == []
    assert differences(live | {"num_replicas": 3, "metadata": {}}, wanted) == []
    assert differences(live | {"max_age": 1}, wanted) == [f"max_age 1 -> {7 * 86_400 * 10**9}"]


def test_the_order_of_subjects_is_no_difference() -> None:
    wanted = stream_shape(SNAPSHOTS)
    assert differences(wanted | {"subjects": wanted["subjects"][::-1]}, wanted) == []


def test_a_consumer_with_a_backoff_differs_and_an_update_removes_it() -> None:
    wanted = consumer_shape(CONSUMERS[0])
    live = wanted | {"backoff": [1, 2], "metadata": {"a": "b"}}
    assert differences(live, wanted) == ["backoff [1, 2] -> none"]
    assert "backoff" not in merged(live, wanted) and merged(live, wanted)["metadata"] == {"a": "b"}


def test_every_stream_keeps_the_rules_of_the_house() -> None:
    for stream in STREAMS:
        shape = stream_shape(stream)
        assert shape["storage"] == "file" and shape["max_bytes"] > 0 and shape["max_age"] > 0
        assert shape["allow_direct"] and shape["duplicate_window"] > 0
        assert shape["discard"] == ("old" if stream.name in ("DEAD", "ADVISORIES") else "new")


def test_only_logs_count_from_the_clock() -> None:
    earlier, later = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    assert first_sequence(JOBS, later) == 1
    assert 1 < first_sequence(SNAPSHOTS, earlier) < first_sequence(SNAPSHOTS, later) < 2**53


def test_one_code_is_told_apart_by_its_text() -> None:
    assert isinstance(refusal(APIError(503, "maximum messages per subject exceeded", 10077), "S", "s"), Busy)
    assert isinstance(refusal(APIError(503, "maximum bytes exceeded", 10077), "S", "s"), Full)
    assert isinstance(refusal(APIError(400, "message size exceeds maximum allowed", 10054), "S", "s"), Oversized)
    assert refusal(APIError(503, "insufficient resources", 10023), "S", "s") is None


def test_the_size_counts_headers_as_the_server_does() -> None:
    message = Outgoing("s", b"12345", {"a": "ü"}, "id")
    wire = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in message.wire_headers("S").items()) + b"\r\n"
    assert len(wire) + 5 <= size(message, "S") <= len(wire) + 5 + 4
    require_size(message, "S", 500)
    with pytest.raises(Oversized, match=r"s has \d+ bytes, 20 are allowed; it was not sent"):
        require_size(message, "S", 20)


def test_batches_keep_the_order_and_the_limits() -> None:
    items = [Outgoing("s", b"x" * 200_000, {}, str(number)) for number in range(450)]
    cut = list(batches(items))
    assert [item for batch in cut for item in batch] == items
    assert all(sum(len(item.body) for item in batch) <= BATCH_BYTES for batch in cut)
    assert [len(batch) for batch in batches([Outgoing("s", b"", {}, str(n)) for n in range(401)])] == [200, 200, 1]
    assert list(batches([])) == []
    assert [len(batch) for batch in batches([Outgoing("s", b"x" * (BATCH_BYTES + 1), {}, "1")] * 2)] == [1, 1]


def test_the_servers_headers_do_not_travel_on() -> None:
    assert own_headers({"Nats-Batch-Id": "x", "nats-expected-stream": "y", "ce-id": "1"}) == {"ce-id": "1"}
    assert own_headers(None) == {}


def test_a_reason_fits_into_a_header() -> None:
    assert one_line("two\r\nlines\x00 \ud800") == "two lines� �"
    assert len(one_line("x" * 9_000)) == 500


def test_a_shown_url_has_no_credentials() -> None:
    assert shown("nats://user:secret@a:4222, nats://b:4222") == "a:4222,b:4222"


def test_nothing_happens_at_import() -> None:
    code = "import threading, grantwire.bus, opentelemetry.trace as t; print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
