"""What other teams read about the messages is what the contracts say, and what once was sent is understood for ever."""

import json
import re
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from grantwire.contracts import subjects
from grantwire.contracts.changes import CHANGES, RelationChange
from grantwire.contracts.commands import COMMANDS, AccessCommand
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.messages import Message
from grantwire.contracts.outcomes import OUTCOMES, CommandTold
from tests.support.asyncapi import DOCUMENT, GOLDENS, document, goldens, text
from tests.support.messages import examples
from tests.unit.contracts.test_messages import MESSAGES

TYPES = {each.type(): each for each in MESSAGES}
PAGE: dict[str, Any] = json.loads(DOCUMENT.read_text())
KEPT = {path.stem: json.loads(path.read_text()) for path in sorted(GOLDENS.glob("*.json"))}
BODIES = [(type_, number) for type_, bodies in KEPT.items() for number in range(len(bodies))]


def test_the_document_is_the_one_that_the_contracts_give() -> None:
    assert text(document()) == DOCUMENT.read_text(), "Run `python -m tests.support.asyncapi`, read the difference."


def test_the_document_is_asyncapi() -> None:
    """By the model of another implementation; `@asyncapi/parser` finds nothing wrong with it either."""
    ApplicationSchema.model_validate(PAGE)
    refs = re.findall(r'"\$ref": "#/([^"]+)"', DOCUMENT.read_text())
    for ref in refs:
        found: Any = PAGE
        for part in ref.split("/"):
            found = found[part]
        assert found


def test_every_message_of_a_team_is_described_with_an_example_that_parses() -> None:
    described = PAGE["components"]["messages"]
    for kind in (*COMMANDS, *OUTCOMES, *CHANGES):
        (example,) = described[kind.__name__]["examples"]
        assert Envelope.read(example["headers"]).type == kind.type() == described[kind.__name__]["name"]
        assert kind.parse(json.dumps(example["payload"]).encode())
        assert set(example["payload"]) <= set(PAGE["components"]["schemas"][kind.__name__]["properties"])


def test_the_addresses_are_those_of_the_subjects() -> None:
    for example in examples():
        if found := _subject(example):
            channel, subject = found
            pattern = re.sub(r"\{\w+\}", "[A-Za-z0-9_=-]+", PAGE["channels"][channel]["address"].replace(".", r"\."))
            assert re.fullmatch(pattern, subject), (subject, pattern)


def test_every_type_has_its_goldens_and_the_newest_is_todays() -> None:
    assert set(KEPT) == set(TYPES)
    assert goldens() == KEPT, "A message changed: run `python -m tests.support.asyncapi`, which keeps the old one too."


@pytest.mark.parametrize(("type_", "number"), BODIES)
def test_what_was_ever_sent_still_says_the_same(type_: str, number: int) -> None:
    sent = KEPT[type_][number]
    understood = json.loads(TYPES[type_].parse(json.dumps(sent).encode()).encode())
    assert {name: understood.get(name, "is not read any more") for name in sent} == sent


def _subject(example: Message) -> tuple[str, str] | None:
    """The channel and the subject in the team's account: there its own token is left out."""
    if isinstance(example, AccessCommand):
        return "commands", subjects.sent(example.connector, example.account, example.verb())
    if isinstance(example, CommandTold):
        whole = subjects.outcome("payments", example.connector, example.account, example.verb)
        return "outcomes", whole.replace(".payments.", ".", 1)
    if isinstance(example, RelationChange):
        return "changes", subjects.change(example.connector, example.account, example.kind)
    return None
