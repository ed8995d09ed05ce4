"""What a set of policy documents says about one action on one resource."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from grantwire.sandbox.access.conditions import Context, holds, like
from grantwire.sandbox.world import texts

Statement = dict[str, Any]


class Verdict(Enum):
    """What policies say: an explicit Deny beats an Allow, and silence is not consent."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Ask:
    """One action on one resource, with the condition keys of the request."""

    action: str
    resource: str
    context: Context


def statements(document: str) -> list[Statement]:
    """The statements of a document; one statement may stand without a list."""
    found = json.loads(document).get("Statement", [])
    return found if isinstance(found, list) else [found]


def verdict(documents: Iterable[str], ask: Ask) -> Verdict:
    """The verdict of identity policies (no principal in them)."""
    return combine(each["Effect"] for document in documents for each in statements(document) if _applies(each, ask))


def combine(effects: Iterable[str]) -> Verdict:
    """The verdict of the effects of the statements that apply."""
    found = set(effects)
    return Verdict.DENY if "Deny" in found else Verdict.ALLOW if "Allow" in found else Verdict.SILENT


def _applies(statement: Statement, ask: Ask) -> bool:
    return about(statement, ask.action) and _on(statement, ask.resource) and holds(condition(statement), ask.context)


def condition(statement: Statement) -> dict[str, Any]:
    """The Condition of a statement, or an empty one."""
    found: dict[str, Any] = statement.get("Condition", {})
    return found


def about(statement: Statement, action: str) -> bool:
    """Whether a statement speaks of `action`; actions have no letter case."""
    if "NotAction" in statement:
        return not _any_like(statement["NotAction"], action)
    return _any_like(statement.get("Action"), action)


def _any_like(wanted: object, action: str) -> bool:
    return any(like(each.lower(), action.lower()) for each in texts(wanted))


def _on(statement: Statement, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(like(each, resource) for each in texts(statement["NotResource"]))
    return any(like(each, resource) for each in texts(statement.get("Resource")))
