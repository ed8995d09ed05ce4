"""The directory: users, groups and memberships as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from grantwire.sandbox.identity_center.directory import Directory
from grantwire.sandbox.identity_center.facts import Email, Person, Placement, Team
from grantwire.sandbox.operations.directory_access import (
    arn,
    bare,
    missing,
    the_directory,
    the_person,
    the_team,
    within,
)
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.operations.sso_access import the_center
from grantwire.sandbox.operations.sso_reads import listed
from grantwire.sandbox.paging import Key, Page, Sorted


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}


def user(call: Call, row: Person) -> dict[str, Any]:
    """A user, in a list or by itself: what the directory does not know is absent."""
    name = _present(GivenName=row.given_name, FamilyName=row.family_name)
    return {"IdentityStoreId": row.store, "UserId": row.id, "UserArn": arn(call, "user", row.id)} | _present(
        Revision=str(row.revision),
        UserName=row.user_name,
        DisplayName=row.display_name,
        Name=name or None,
        Emails=[_email(each) for each in row.emails],
        UserType=row.user_type,
        Title=row.title,
        ExternalIds=_external(row.external_ids),
        UserStatus=row.status if the_center(call).shows_status else None,
        CreatedAt=row.created_at,
        UpdatedAt=row.updated_at,
    )


def _email(each: Email) -> dict[str, Any]:
    return _present(Value=each.value, Type=each.type, Primary=each.primary)


def _external(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"Issuer": issuer, "Id": number} for issuer, number in pairs]


def group(call: Call, row: Team) -> dict[str, Any]:
    """A group, in a list or by itself."""
    return {"IdentityStoreId": row.store, "GroupId": row.id, "GroupArn": arn(call, "group", row.id)} | _present(
        Revision=str(row.revision),
        DisplayName=row.display_name,
        Description=row.description,
        ExternalIds=_external(row.external_ids),
        CreatedAt=row.created_at,
    )


def membership(call: Call, row: Placement) -> dict[str, Any]:
    """A membership."""
    return {
        "IdentityStoreId": row.store,
        "MembershipId": row.id,
        "MembershipArn": arn(call, "membership", row.id),
        "GroupId": row.team,
        "MemberId": {"UserId": row.person},
    } | _present(CreatedAt=row.created_at)


def _filtered(call: Call, table: Sorted[Any], fields: dict[str, str], show: Callable[[Any], Any]) -> Page:
    """All rows, or those that the deprecated filters leave."""
    wanted = [(each["AttributePath"], each["AttributeValue"]) for each in call.params.get("Filters", [])]
    for path, _ in wanted:
        if path not in fields:
            raise Failure("ValidationException", f"Invalid AttributePath: {path}")

    def rows(cursor: Key | None) -> Iterator[tuple[Key, Any]]:
        for key, row in table.after(cursor):
            if all(getattr(row, fields[path]).casefold() == value.casefold() for path, value in wanted):
                yield key, row

    return Page(rows, show)


@operation("identitystore", "ListUsers", within("user"))
def list_users(call: Call) -> Page:
    """All users."""
    directory = the_directory(call, "ListUsers")
    return _filtered(call, directory.people, {"UserName": "user_name"}, lambda row: user(call, row))


@operation("identitystore", "ListGroups", within("group"))
def list_groups(call: Call) -> Page:
    """All groups."""
    directory = the_directory(call, "ListGroups")
    return _filtered(call, directory.teams, {"DisplayName": "display_name"}, lambda row: group(call, row))


@operation("identitystore", "DescribeUser", within("user"))
def describe_user(call: Call) -> dict[str, Any]:
    """One user."""
    return user(call, the_person(the_directory(call, "DescribeUser"), call.params["UserId"]))


@operation("identitystore", "DescribeGroup", within("group"))
def describe_group(call: Call) -> dict[str, Any]:
    """One group."""
    return group(call, the_team(the_directory(call, "DescribeGroup"), call.params["GroupId"]))


def _memberships(call: Call, rows: Iterable[Placement]) -> Page:
    return listed(((row.id, row) for row in rows), lambda row: membership(call, row))


@operation("identitystore", "ListGroupMemberships", within("group"))
def list_group_memberships(call: Call) -> Page:
    """Who is in a group."""
    directory = the_directory(call, "ListGroupMemberships")
    team = the_team(directory, call.params["GroupId"])
    return _memberships(call, directory.in_team.get(team.id, {}).values())


@operation("identitystore", "ListGroupMembershipsForMember", within("user"))
def list_group_memberships_for_member(call: Call) -> Page:
    """The groups that a user is in."""
    directory = the_directory(call, "ListGroupMembershipsForMember")
    person = the_person(directory, _member(call))
    return _memberships(call, directory.of_person.get(person.id, {}).values())


def _member(call: Call) -> str:
    return str(call.params["MemberId"].get("UserId", ""))


@operation("identitystore", "GetGroupMembershipId", within("group", "user"))
def get_group_membership_id(call: Call) -> dict[str, Any]:
    """The id of a user's membership in a group."""
    directory = the_directory(call, "GetGroupMembershipId")
    found = directory.placement(bare(call.params["GroupId"]), bare(_member(call)))
    if found is None:
        raise missing("GROUP_MEMBERSHIP", bare(_member(call)))
    shown = membership(call, found)
    return {name: shown[name] for name in ("IdentityStoreId", "MembershipId", "MembershipArn")}


@operation("identitystore", "DescribeGroupMembership", within("membership"))
def describe_group_membership(call: Call) -> dict[str, Any]:
    """One membership."""
    directory, wanted = the_directory(call, "DescribeGroupMembership"), bare(call.params["MembershipId"])
    if wanted not in directory.placements:
        raise missing("GROUP_MEMBERSHIP", wanted)
    return membership(call, directory.placements[wanted])


@operation("identitystore", "IsMemberInGroups", within("user"))
def is_member_in_groups(call: Call) -> dict[str, Any]:
    """Of each group, whether the user is in it."""
    directory = the_directory(call, "IsMemberInGroups")
    person = the_person(directory, _member(call))
    teams = [the_team(directory, each) for each in call.params["GroupIds"]]
    return {
        "Results": [
            {
                "GroupId": team.id,
                "MemberId": {"UserId": person.id},
                "MembershipExists": directory.placement(team.id, person.id) is not None,
            }
            for team in teams
        ]
    }


@operation("identitystore", "GetUserId", within("user"))
def get_user_id(call: Call) -> dict[str, Any]:
    """The user of a user name, an address or an external id."""
    directory = the_directory(call, "GetUserId")
    paths = {"userName": directory.person_called, "emails.value": lambda text: _addressed(directory, text)}
    found = _alternate(call, directory.people, paths)
    if found is None:
        raise missing("USER", "")
    return {"IdentityStoreId": found.store, "UserId": found.id, "UserArn": arn(call, "user", found.id)}


def _addressed(directory: Directory, text: str) -> Person | None:
    rows = directory.people.rows()
    return next((row for row in rows if any(each.value.casefold() == text.casefold() for each in row.emails)), None)


@operation("identitystore", "GetGroupId", within("group"))
def get_group_id(call: Call) -> dict[str, Any]:
    """The group of a display name or an external id."""
    directory = the_directory(call, "GetGroupId")
    found = _alternate(call, directory.teams, {"displayName": directory.team_called})
    if found is None:
        raise missing("GROUP", "")
    return {"IdentityStoreId": found.store, "GroupId": found.id, "GroupArn": arn(call, "group", found.id)}


def _alternate(call: Call, table: Sorted[Any], paths: dict[str, Callable[[str], Any]]) -> Any:
    given = call.params["AlternateIdentifier"]
    if "ExternalId" in given:
        wanted = given["ExternalId"]["Issuer"], given["ExternalId"]["Id"]
        return next((row for row in table.rows() if wanted in row.external_ids), None)
    attribute = given.get("UniqueAttribute", {})
    path = attribute.get("AttributePath", "")
    if path not in paths:
        raise Failure("ValidationException", f"Invalid AttributePath: {path}")
    return paths[path](str(attribute["AttributeValue"]))
