"""IAM: tags of users and roles. Keys are unique without regard to letter case; at most 50."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from grantwire.sandbox.facts import Put, Role, Tags, User
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.lookup import HolderKind, named, the_changeable_role, the_role, the_user
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.paging import Key, Page, in_order

MOST = 50


def merged(old: Tags, given: list[dict[str, str]]) -> Tags:
    """The tags after setting some; a key keeps its place and takes the new spelling."""
    result = {key.lower(): (key, value) for key, value in old}
    result |= {tag["Key"].lower(): (tag["Key"], tag["Value"]) for tag in given}
    if len({tag["Key"].lower() for tag in given}) < len(given):
        raise Failure("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(result) > MOST:
        raise Failure("LimitExceeded", f"The number of tags has reached the maximum limit of {MOST}.", 409)
    return tuple(result.values())


def _tagged(call: Call, kind: HolderKind, change: bool) -> User | Role:
    if kind == "User":
        return the_user(call)
    return the_changeable_role(call) if change else the_role(call)


def _list(kind: HolderKind) -> Callable[[Call], Page]:
    def list_tags(call: Call) -> Page:
        rows: list[tuple[Key, Any]] = [(tag["Key"], tag) for tag in shapes.tags(_tagged(call, kind, False).tags)]
        return Page(lambda cursor: in_order(rows, cursor), lambda tag: tag)

    return list_tags


def _tag(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def tag(call: Call) -> dict[str, Any]:
        row = _tagged(call, kind, True)
        call.world.apply(Put(replace(row, tags=merged(row.tags, call.params["Tags"]))))
        return {}

    return tag


def _untag(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def untag(call: Call) -> dict[str, Any]:
        row, gone = _tagged(call, kind, True), {key.lower() for key in call.params["TagKeys"]}
        kept = tuple(pair for pair in row.tags if pair[0].lower() not in gone)
        call.world.apply(Put(replace(row, tags=kept)))
        return {}

    return untag


_KINDS: tuple[HolderKind, ...] = ("User", "Role")
for _kind in _KINDS:
    operation("iam", f"List{_kind}Tags", named(_kind))(_list(_kind))
    operation("iam", f"Tag{_kind}", named(_kind))(_tag(_kind))
    operation("iam", f"Untag{_kind}", named(_kind))(_untag(_kind))
