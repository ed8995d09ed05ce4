"""Whether a role's trust policy lets a caller assume it."""

from __future__ import annotations

import json

from grantwire.sandbox.access.conditions import holds
from grantwire.sandbox.access.policies import Ask, Statement, about, condition
from grantwire.sandbox.access.principals import Principal
from grantwire.sandbox.facts import Role
from grantwire.sandbox.world import World, texts


def lets_in(world: World, role: Role, caller: Principal, ask: Ask) -> bool:
    """Trust and the caller's own policies together.

    A trust that names the caller itself is enough inside one account. A trust that names its account or anybody, and
    any trust of another account, needs the caller's own policies to allow the call as well.
    """
    named, through_account = _allowed(world, role, caller, ask)
    if named and caller.world is world:
        return caller.refusal(ask) is None or not _explicitly_denied(caller, ask)
    return (named or through_account) and caller.refusal(ask) is None


def _explicitly_denied(caller: Principal, ask: Ask) -> bool:
    reason = caller.refusal(ask)
    return reason is not None and not reason.startswith("because no identity-based policy")


def _allowed(world: World, role: Role, caller: Principal, ask: Ask) -> tuple[bool, bool]:
    named, through_account = False, False
    for statement in _statements(world, role):
        direct, by_account = _names(statement, caller)
        if not (direct or by_account) or not about(statement, ask.action):
            continue
        if not holds(condition(statement), ask.context):
            continue
        if statement["Effect"] == "Deny":
            return False, False
        named, through_account = named or direct, through_account or by_account
    return named, through_account


def _statements(world: World, role: Role) -> list[Statement]:
    found = json.loads(world.trust(role)).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _names(statement: Statement, caller: Principal) -> tuple[bool, bool]:
    """Whether a statement names the caller itself, and whether it does so through its account or through `*`."""
    if "NotPrincipal" in statement:
        return False, not any(_matches(statement["NotPrincipal"], caller))
    return _matches(statement.get("Principal"), caller)


def _matches(principal: object, caller: Principal) -> tuple[bool, bool]:
    if principal == "*":
        return False, True
    named = set(texts(principal.get("AWS"))) if isinstance(principal, dict) else set()
    account = caller.world.account
    itself = {caller.arn, caller.world.arn(caller.row)}
    return bool(named & itself), bool(named & {"*", account, f"{caller.world.iam}root"})
