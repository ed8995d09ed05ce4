"""What teams send and hear as an AsyncAPI 3 document, and the goldens of all messages: ``python -m
tests.support.asyncapi`` writes both from the contracts."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from grantwire.contracts import streams, subjects
from grantwire.contracts.changes import CHANGES
from grantwire.contracts.commands import COMMANDS, AccessCommand
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.messages import Message
from grantwire.contracts.outcomes import OUTCOMES
from grantwire.contracts.streams import Stream
from tests.support.messages import AT, examples

Json = dict[str, Any]
ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "reference" / "asyncapi.json"
GOLDENS: Final = ROOT / "tests" / "contract" / "goldens"
_ABOUT: Final = """\
What a team sends to Grantwire, and what it hears, in the team's own NATS account. The server puts the team's name into
the subjects that leave that account. The Python client (grantwire.client) does all of this; docs/commands.md says how
commands behave."""
_PARTS: Final[Mapping[str, str]] = {
    "connector": "The connector's id.",
    "account": "12 digits; of a change of no account a hyphen.",
    "verb": "grant or revoke.",
    "kind": "The kind of resource or relation.",
    "command": "The id of a command.",
}
_ASKED: Final = "The last that was told of the command; with the header Gw-Unknown an empty body: nobody knows it."
_OWN: Final = "In the team's account it is heard live; nothing is kept for the team, so what was missed is asked for."


def document() -> Json:
    """The whole document."""
    told = [each.__name__ for each in OUTCOMES]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Grantwire", "version": version("grantwire"), "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "commands": _channel("gw.cmd.{connector}.{account}.{verb}", streams.COMMANDS, COMMANDS, ""),
            "outcomes": _channel("gw.outcome.{connector}.{account}.{verb}", streams.OUTCOMES, OUTCOMES, _OWN),
            "questions": _channel(subjects.asked("x").replace("x", "{command}"), None, (), "An empty request."),
            "answers": {"address": None, "messages": _messages(OUTCOMES), "description": _ASKED},
            "changes": _channel("gw.change.{connector}.{account}.{kind}", streams.CHANGES, CHANGES, ""),
        },
        "operations": {
            "sendCommand": _operation("send", "commands", [each.__name__ for each in COMMANDS]),
            "hearOutcome": _operation("receive", "outcomes", told),
            "ask": _operation("send", "questions", ["Question"]) | {"reply": _reply(told)},
            "hearChange": _operation("receive", "changes", [each.__name__ for each in CHANGES]),
        },
        "components": {"messages": _described(), "schemas": _schemas()},
    }


def goldens() -> dict[str, list[Json]]:
    """Of each type the bodies that must be understood for ever: those that are kept, and today's if it is another."""
    found: dict[str, list[Json]] = {}
    for example in examples():
        path, body = GOLDENS / f"{example.type()}.json", _body(example)
        kept = json.loads(path.read_text()) if path.exists() else []
        found[example.type()] = kept if kept and kept[-1] == body else [*kept, body]
    return found


def text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _channel(address: str, stream: Stream | None, messages: tuple[type[Message], ...], more: str) -> Json:
    names = [part[1:-1] for part in address.split(".") if part.startswith("{")]
    kept = f"Kept on the stream {stream.name} for {stream.max_age / streams.DAY:g} days." if stream else ""
    return {
        "address": address,
        "description": " ".join(filter(None, (kept, more))),
        "parameters": {name: {"description": _PARTS[name]} for name in names},
        "messages": _messages(messages) if messages else {"Question": {"$ref": "#/components/messages/Question"}},
    }


def _messages(messages: tuple[type[Message], ...]) -> Json:
    return {each.__name__: {"$ref": f"#/components/messages/{each.__name__}"} for each in messages}


def _operation(action: str, channel: str, messages: list[str]) -> Json:
    refs = [{"$ref": f"#/channels/{channel}/messages/{each}"} for each in messages]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": refs}


def _reply(messages: list[str]) -> Json:
    answers = _operation("send", "answers", messages)
    return {"channel": answers["channel"], "messages": answers["messages"]}


def _described() -> Json:
    shown = {type(each): each for each in examples()}
    found = {each.__name__: _message(each, shown[each]) for each in (*COMMANDS, *OUTCOMES, *CHANGES)}
    question = {"name": "Question", "summary": "What became of a command?", "payload": {"type": "null"}}
    return {**found, "Question": question}


def _message(kind: type[Message], example: Message) -> Json:
    headers = _headers(example)
    return {
        "name": kind.type(),
        "title": kind.__name__,
        "summary": cleandoc(kind.__doc__ or "").replace("\n", " "),
        "contentType": "application/json",
        "headers": _header_schema(kind, headers),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "examples": [{"name": kind.handler(), "headers": headers, "payload": _body(example)}],
    }


def _headers(example: Message) -> Json:
    if isinstance(example, AccessCommand):
        id, source = str(example.id), "payments-service"
        return Envelope(id, example.type(), source, AT.isoformat()).headers() | {
            "Nats-Msg-Id": f"{id}:{example.fingerprint()}"
        }
    body = _body(example)
    id = f"op:1:payments:{body['command']}:{body['n']}" if "command" in body else f"ob:1:{body['revision']}:{body['n']}"
    return Envelope(id, example.type(), "prod", AT.isoformat()).headers() | {"Nats-Msg-Id": id}


def _header_schema(kind: type[Message], headers: Json) -> Json:
    properties: Json = {name: {"type": "string"} for name in headers}
    properties["ce-type"] = {"type": "string", "const": kind.type()}
    properties["traceparent"] = {"type": "string"}
    return {"type": "object", "required": ["ce-id", "ce-type", "ce-source"], "properties": properties}


def _schemas() -> Json:
    kinds = [(each, "validation") for each in (*COMMANDS, *OUTCOMES, *CHANGES)]
    _, found = models_json_schema(kinds, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: Json = found["$defs"]
    return schemas


def _body(example: Message) -> Json:
    found: Json = json.loads(example.encode())
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(text(document()))
    GOLDENS.mkdir(exist_ok=True)
    for name, bodies in goldens().items():
        (GOLDENS / f"{name}.json").write_text(text(bodies))
