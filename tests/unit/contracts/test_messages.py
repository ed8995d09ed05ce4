"""Names derive from one another, subjects cannot be broken out of, and a malformed body says where."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.contracts import subjects
from grantwire.contracts.changes import CHANGES, SENSITIVE, ResourceAdded, tellable
from grantwire.contracts.commands import COMMANDS
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.failures import Malformed
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.outcomes import OUTCOMES
from grantwire.contracts.snapshots import SnapshotBegun, SnapshotSealed
from grantwire.contracts.streams import CONSUMERS, STREAMS

MESSAGES: tuple[type[Message], ...] = (CollectScope, SnapshotBegun, SnapshotSealed, *CHANGES, *COMMANDS, *OUTCOMES)


def test_types_handlers_and_class_names_are_a_bijection() -> None:
    for message in MESSAGES:
        assert re.fullmatch(r"dev\.grantwire(\.[a-z]+){2,}\.v\d+", message.type())
        assert "".join(word.capitalize() for word in message.handler().split("_")) == message.__name__
    assert len({message.type() for message in MESSAGES}) == len(MESSAGES)


def test_every_consumer_is_named_once_and_reads_a_stream_that_has_its_subjects() -> None:
    assert len({consumer.name for consumer in CONSUMERS}) == len(CONSUMERS)
    streams = {stream.name: stream for stream in STREAMS}
    for consumer in CONSUMERS:
        prefixes = [subject.rstrip(">") for subject in streams[consumer.stream].subjects]
        assert all(any(subject.startswith(prefix) for prefix in prefixes) for subject in consumer.subjects)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_token_is_one_plain_token_and_reversible(one: str, other: str) -> None:
    clean = one.encode("utf-8", "replace")
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", subjects.token(one))
    if clean != other.encode("utf-8", "replace") and one and other:
        assert subjects.token(one) != subjects.token(other)


@pytest.mark.parametrize("hostile", ["*", ">", "a.b", "a b", "", "\x00", "é\r\n", "gw.cmd.x"])
def test_a_hostile_name_cannot_widen_a_subject(hostile: str) -> None:
    assert len(subjects.job("iam", hostile, "iam/1").split(".")) == 5
    assert not set(subjects.change(hostile, hostile, hostile)) & set("*> \r\n\x00")


def test_a_malformed_body_names_the_field_and_never_the_value() -> None:
    with pytest.raises(Malformed) as caught:
        CollectScope.parse(b'{"run": "r", "connector": "SECRET", "settings_version": "SECRET", "source": "iam"}')
    assert "settings_version" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_unknown_fields_are_ignored() -> None:
    body = b'{"run":"r","connector":"c","settings_version":1,"source":"iam","scope":"iam/1","of_tomorrow":[1]}'
    assert CollectScope.parse(body).scope == "iam/1"


def test_an_envelope_survives_its_headers() -> None:
    envelope = Envelope(
        "1", "t", "s", "2026-01-01T00:00:00Z", "1", "subject", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    )
    assert Envelope.read(envelope.headers()) == envelope


def test_an_envelope_without_its_type_is_malformed() -> None:
    with pytest.raises(Malformed, match="ce-type"):
        Envelope.read({"ce-id": "1", "ce-source": "s"})


def test_documents_and_emails_are_never_told_in_a_change() -> None:
    assert tellable({"path": "/", **dict.fromkeys(SENSITIVE, "x")}) == {"path": "/"}
    assert "values" in ResourceAdded.model_fields
