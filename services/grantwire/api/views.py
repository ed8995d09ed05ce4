"""What leaves the api: stored things as JSON, without a single secret."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import Any, Final

from fastapi.encoders import jsonable_encoder

from grantwire.bus import Letter
from grantwire.contracts.commands import Ref
from grantwire.contracts.text import canonical
from grantwire.graph.connectors import StoredConnector
from grantwire.graph.operations_view import OperationView
from grantwire.graph.queries import Answer, ScopeView
from grantwire.graph.retiring import RetiredScope
from grantwire.graph.runs import RunView

_WORST_FIRST: Final = ("stale", "unreachable", "held", "new")


def settings_view(stored: StoredConnector) -> dict[str, Any]:
    """The settings of a connector. A secret is shown as "set"."""
    shown = stored.connector.model_dump(mode="json")
    for path in stored.secrets:
        *way, name = path.split(".")
        reduce(getitem, way, shown)[name] = "set"
    return shown


def connector_view(stored: StoredConnector, *, log_lines: int = 100) -> dict[str, Any]:
    """A connector as it is kept, with the newest lines of its log."""
    return {
        "id": stored.connector.id,
        "name": stored.connector.name,
        "account": stored.account,
        "organization": stored.organization,
        "state": stored.state,
        "reason": stored.reason,
        "settings_version": stored.version,
        "settings": settings_view(stored),
        "not_yet_acting": stored.not_yet_acting(),
        "log": jsonable_encoder(stored.log[:log_lines]),
    }


def last_run_view(run: RunView) -> dict[str, Any]:
    """A run at a glance, without its scopes. ``seconds`` is from the request to the end, None before it."""
    shown: dict[str, Any] = jsonable_encoder(run)
    return {name: value for name, value in shown.items() if name != "scopes"}


def retired_view(scope: RetiredScope) -> dict[str, Any]:
    """A retired scope: why, since when, and when it is purged."""
    shown: dict[str, Any] = jsonable_encoder(scope)
    return {"scope": shown.pop("key"), **shown}


def operation_view(view: OperationView, named: Mapping[Ref, str]) -> dict[str, Any]:
    """A command and how far it is; ``told`` is the last message about it, as its team hears it."""
    operation, command = view.operation, view.operation.command
    own = ("id", "team", "verb", "connector", "account", "state", "step", "dry_run", "cancelled_by", "valid_until")
    shown: dict[str, Any] = {name: jsonable_encoder(getattr(operation, name)) for name in own}
    shown |= {name: jsonable_encoder(getattr(view, name)) for name in ("open", "received_at", "due_at", "final_at")}
    shown |= {"requester": command.requester, "reason": command.reason, "tries": operation.progress.tries}
    ends = {"principal": command.principal, "target": command.target}
    shown |= {name: {**ref.model_dump(mode="json"), "display": named[ref]} for name, ref in ends.items()}
    return shown | {"told": view.told}


def letter_view(letter: Letter) -> dict[str, Any]:
    """A dead letter without its content, which may be large and is nobody's business in a list."""
    shown = ("stream", "consumer", "sequence", "subject", "reason", "deliveries", "at", "type")
    return {"seq": letter.number} | {name: getattr(letter, name) for name in shown}


def cursor_of(view: Any) -> str:
    """A short name for one state of a thing, so that a client can wait for the next one."""
    return hashlib.sha256(canonical(jsonable_encoder(view)).encode()).hexdigest()[:16]


def scope_view(scope: ScopeView) -> dict[str, Any]:
    """A scope's state and freshness."""
    shown: dict[str, Any] = jsonable_encoder(scope)
    return {"scope": shown.pop("key"), **shown}


def answer_view(answer: Answer) -> dict[str, Any]:
    """An answer with its worst freshness as one word. Resources are named; their documents are in the export."""
    whole: dict[str, Any] = jsonable_encoder(_named(answer.document()))
    whole["freshness"] = [scope_view(scope) for scope in answer.freshness]
    return whole | {"state": freshness_of(answer.freshness) if answer.freshness else "unknown"}


def freshness_of(scopes: Iterable[ScopeView]) -> str:
    """One word for several scopes: the worst of them."""
    found = list(scopes)
    states = {scope.state for scope in found}
    worst = next((state for state in _WORST_FIRST if state in states), "complete")
    return "overdue" if worst == "complete" and any(scope.overdue for scope in found) else worst


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items() if name != "attributes"}
    return [_named(item) for item in value] if isinstance(value, list) else value
