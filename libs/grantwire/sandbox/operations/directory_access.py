"""Which directory a call names, and what in it."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.identity_center.directory import Directory
from grantwire.sandbox.identity_center.facts import Person, Team
from grantwire.sandbox.operations.registry import Call, Failure, Resource
from grantwire.sandbox.operations.sso_access import administrator, the_center, visible


def missing(kind: str, wanted: str) -> Failure:
    """ResourceNotFoundException of the directory: it says what kind of thing is not there."""
    text = f"{kind} not found."
    return Failure("ResourceNotFoundException", text, ResourceType=kind, ResourceId=wanted)


def bare(wanted: str) -> str:
    """An id, which may be given as an ARN."""
    return wanted.rsplit("/", 1)[-1]


def the_directory(call: Call, action: str) -> Directory:
    """The identity store that the call names: of this region, and the caller's to read."""
    wanted = bare(call.params["IdentityStoreId"])
    found = next((each for each in visible(call) if each.store == wanted), None)
    if found is None:
        raise missing("IDENTITY_STORE", wanted)
    if not (found.owner == call.caller.world.account or administrator(call)):
        text = f"User: {call.caller.arn} is not authorized to perform: identitystore:{action}"
        raise Failure("AccessDenied", text)
    return the_center(call).directories[found.store]


def the_person(directory: Directory, wanted: str) -> Person:
    """The user of that id."""
    found = directory.people.get(bare(wanted))
    if found is None:
        raise missing("USER", bare(wanted))
    return found


def the_team(directory: Directory, wanted: str) -> Team:
    """The group of that id."""
    found = directory.teams.get(bare(wanted))
    if found is None:
        raise missing("GROUP", bare(wanted))
    return found


def arn(call: Call, kind: str, wanted: str) -> str:
    """The ARN of a user, group or membership."""
    return f"arn:{call.world.partition}:identitystore:::{kind}/{wanted}"


def within(*kinds: str) -> Resource:
    """The resources of an operation: the store, and the user, group or membership that it names."""

    def resources(call: Call) -> tuple[str, ...]:
        return (_store(call), *(arn(call, kind, _named(call, kind)) for kind in kinds))

    return resources


def _store(call: Call) -> str:
    wanted, center = bare(call.params["IdentityStoreId"]), the_center(call)
    owners = [each.owner for each in center.instances.values() if each.store == wanted]
    return f"arn:{call.world.partition}:identitystore::{(owners or [call.world.account])[0]}:identitystore/{wanted}"


def _named(call: Call, kind: str) -> str:
    """What the call names of a kind; a list operation names all of them."""
    given: Any = call.params.get(f"{kind.capitalize()}Id")
    if given is None and kind == "user" and "MemberId" in call.params:
        given = call.params["MemberId"].get("UserId")
    return bare(given) if given is not None else "*"
