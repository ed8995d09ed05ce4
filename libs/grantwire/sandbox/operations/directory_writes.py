"""The directory: memberships made and ended, users and groups made, changed and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from grantwire.sandbox import ids
from grantwire.sandbox.identity_center.facts import DISABLED, ENABLED, CenterChange, Email, Person, Placement, Team
from grantwire.sandbox.operations.directory_access import (
    arn,
    bare,
    missing,
    the_directory,
    the_person,
    the_team,
    within,
)
from grantwire.sandbox.operations.directory_reads import membership
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.operations.sso_access import the_center

_PLAIN = {
    "userName": "user_name",
    "displayName": "display_name",
    "title": "title",
    "userType": "user_type",
    "name.givenName": "given_name",
    "name.familyName": "family_name",
}
_STATUS = "userStatus"


def taken(what: str) -> Failure:
    """ConflictException for something that must be unique: to try again does not help."""
    return Failure("ConflictException", f"Duplicate {what}", Reason="UNIQUENESS_CONSTRAINT_VIOLATION")


def _fresh(call: Call, *parts: str) -> str:
    number = ids.digest("fresh", *parts, len(the_center(call).journal)).hex()
    return f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:32]}"


@operation("identitystore", "CreateGroupMembership", within("group", "user"))
def create_group_membership(call: Call) -> dict[str, Any]:
    """Refused when the user is in the group already."""
    directory = the_directory(call, "CreateGroupMembership")
    team = the_team(directory, call.params["GroupId"])
    person = the_person(directory, call.params["MemberId"].get("UserId", ""))
    if directory.placement(team.id, person.id) is not None:
        raise taken("GroupMembership")
    row = Placement(team.store, _fresh(call, team.id, person.id), person.id, team.id, call.now)
    the_center(call).put(row)
    shown = membership(call, row)
    return {name: shown[name] for name in ("IdentityStoreId", "MembershipId", "MembershipArn")}


@operation("identitystore", "DeleteGroupMembership", within("membership"))
def delete_group_membership(call: Call) -> dict[str, Any]:
    """By the id of the membership."""
    directory, wanted = the_directory(call, "DeleteGroupMembership"), bare(call.params["MembershipId"])
    if wanted not in directory.placements:
        raise missing("GROUP_MEMBERSHIP", wanted)
    the_center(call).drop(directory.placements[wanted])
    return {}


@operation("identitystore", "CreateUser", within())
def create_user(call: Call) -> dict[str, Any]:
    """A new user, enabled; AWS takes no status here."""
    directory, params = the_directory(call, "CreateUser"), call.params
    if "UserName" not in params or "DisplayName" not in params:
        raise Failure("ValidationException", "UserName and DisplayName are required.")
    if directory.person_called(params["UserName"]) is not None:
        raise taken("UserName")
    name = params.get("Name", {})
    row = Person(
        directory.instance.store,
        _fresh(call, params["UserName"]),
        params["UserName"],
        call.now,
        call.now,
        params["DisplayName"],
        name.get("GivenName"),
        name.get("FamilyName"),
        tuple(Email(each["Value"], each.get("Type"), each.get("Primary")) for each in params.get("Emails", [])),
        params.get("UserType"),
        params.get("Title"),
    )
    the_center(call).put(row)
    return _user(call, row)


def _user(call: Call, row: Person) -> dict[str, Any]:
    shown = {"IdentityStoreId": row.store, "UserId": row.id, "UserArn": arn(call, "user", row.id)}
    return shown | {"Revision": str(row.revision)}


@operation("identitystore", "UpdateUser", within("user"))
def update_user(call: Call) -> dict[str, Any]:
    """Attributes by their path; one without a value is removed. That it takes a status is an assumption."""
    directory = the_directory(call, "UpdateUser")
    row = the_person(directory, call.params["UserId"])
    values = dict(_attribute(each) for each in call.params["Operations"])
    other = directory.person_called(values.get("user_name") or row.user_name)
    if other is not None and other.id != row.id:
        raise taken("UserName")
    changed = replace(row, **values, updated_at=call.now, revision=row.revision + 1)
    the_center(call).put(changed)
    return _user(call, changed)


def _attribute(given: dict[str, Any]) -> tuple[str, Any]:
    path, value = given["AttributePath"], given.get("AttributeValue")
    if path == _STATUS and value in (ENABLED, DISABLED):
        return "status", value
    if path not in _PLAIN or not isinstance(value, str | None) or (path == "userName" and not value):
        raise Failure("ValidationException", f"Invalid value for AttributePath: {path}")
    return _PLAIN[path], value


@operation("identitystore", "DeleteUser", within("user"))
def delete_user(call: Call) -> dict[str, Any]:
    """The user goes with its memberships; what it is assigned to stays behind."""
    directory = the_directory(call, "DeleteUser")
    row = the_person(directory, call.params["UserId"])
    _delete(call, row, directory.of_person.get(row.id, {}).values())
    return {}


def _delete(call: Call, row: Person | Team, placements: Iterable[Placement]) -> None:
    gone = [*placements, row]
    the_center(call).apply(*(CenterChange(each, there=False) for each in gone))


@operation("identitystore", "CreateGroup", within())
def create_group(call: Call) -> dict[str, Any]:
    """A new group."""
    directory, params = the_directory(call, "CreateGroup"), call.params
    name = params.get("DisplayName")
    if name is None:
        raise Failure("ValidationException", "DisplayName is required.")
    if directory.team_called(name) is not None:
        raise taken("DisplayName")
    row = Team(directory.instance.store, _fresh(call, name), name, params.get("Description"), created_at=call.now)
    the_center(call).put(row)
    return _group(call, row)


def _group(call: Call, row: Team) -> dict[str, Any]:
    shown = {"IdentityStoreId": row.store, "GroupId": row.id, "GroupArn": arn(call, "group", row.id)}
    return shown | {"Revision": str(row.revision)}


@operation("identitystore", "UpdateGroup", within("group"))
def update_group(call: Call) -> dict[str, Any]:
    """Another display name or description."""
    directory = the_directory(call, "UpdateGroup")
    row = the_team(directory, call.params["GroupId"])
    for each in call.params["Operations"]:
        path, value = each["AttributePath"], each.get("AttributeValue")
        if path not in ("displayName", "description") or not isinstance(value, str):
            raise Failure("ValidationException", f"Invalid value for AttributePath: {path}")
        row = replace(row, display_name=value) if path == "displayName" else replace(row, description=value)
    other = directory.team_called(row.display_name)
    if other is not None and other.id != row.id:
        raise taken("DisplayName")
    changed = replace(row, revision=row.revision + 1)
    the_center(call).put(changed)
    return _group(call, changed)


@operation("identitystore", "DeleteGroup", within("group"))
def delete_group(call: Call) -> dict[str, Any]:
    """The group goes with its memberships; what it is assigned to stays behind."""
    directory = the_directory(call, "DeleteGroup")
    row = the_team(directory, call.params["GroupId"])
    _delete(call, row, directory.in_team.get(row.id, {}).values())
    return {}
