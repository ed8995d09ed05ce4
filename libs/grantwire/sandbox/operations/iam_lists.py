"""IAM: the lists. A handler says which rows there are and how one looks; paging happens elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from grantwire.sandbox.facts import Group, Policy, Role, User
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.documents import shown
from grantwire.sandbox.operations.lookup import HOLDERS, HolderKind, listed, named, no_such, the_holder, the_user
from grantwire.sandbox.operations.registry import Call, everything, operation
from grantwire.sandbox.paging import Key, Page, Sorted, in_order
from grantwire.sandbox.world import World


def _under_path(call: Call, table: Sorted[Any], show: Callable[[World, Any], dict[str, Any]]) -> Page:
    prefix, world = call.params.get("PathPrefix", "/"), call.world

    def rows(cursor: Key | None) -> Iterator[tuple[Key, Any]]:
        return ((key, row) for key, row in table.after(cursor) if row.path.startswith(prefix))

    return Page(rows, lambda row: show(world, row))


@operation("iam", "ListUsers", listed("user"))
def list_users(call: Call) -> Page:
    """Users under a path, without tags and boundary."""
    return _under_path(call, call.world.users.table, shapes.user)


@operation("iam", "ListGroups", listed("group"))
def list_groups(call: Call) -> Page:
    """Groups under a path."""
    return _under_path(call, call.world.groups.table, shapes.group)


@operation("iam", "ListRoles", listed("role"))
def list_roles(call: Call) -> Page:
    """Roles under a path, without tags, boundary and last use."""
    return _under_path(call, call.world.roles.table, shapes.role)


@operation("iam", "ListAccountAliases", everything)
def list_account_aliases(call: Call) -> Page:
    """The alias of the account, if it has one; an account that stands alone has none."""
    rows: list[tuple[Key, str]] = [(alias, alias) for alias in call.world.aliases]
    return Page(lambda cursor: in_order(rows, cursor), lambda alias: alias)


@operation("iam", "ListPolicies", listed("policy"))
def list_policies(call: Call) -> Page:
    """Managed policies by scope; of AWS's, those in the sandbox's catalog."""
    world, scope, params = call.world, call.params.get("Scope", "All"), call.params
    rows: list[tuple[Key, Policy]] = []
    if scope in ("All", "Local"):
        rows += [(world.arn(row), row) for row in world.policies.table.rows()]
    if scope in ("All", "AWS"):
        rows += list(world.catalog.items())
    rows = [pair for pair in rows if pair[1].path.startswith(params.get("PathPrefix", "/"))]
    if params.get("OnlyAttached"):
        rows = [pair for pair in rows if any(world.use(pair[0]))]
    shown_rows = [(arn, shapes.policy(world, arn, row)) for arn, row in rows]
    return Page(lambda cursor: in_order(shown_rows, cursor), lambda row: row)


@operation("iam", "ListPolicyVersions", lambda call: str(call.params["PolicyArn"]))
def list_policy_versions(call: Call) -> Page:
    """Versions of a managed policy, without their documents."""
    row = call.world.policy(call.params["PolicyArn"])
    if row is None:
        raise no_such(f"Policy {call.params['PolicyArn']}")
    brief = [{key: value for key, value in each.items() if key != "Document"} for each in shapes.versions(row)]
    rows: list[tuple[Key, Any]] = [(each["VersionId"], each) for each in brief]
    return Page(lambda cursor: in_order(rows, cursor), lambda version: version)


@operation("iam", "ListGroupsForUser", named("User"))
def list_groups_for_user(call: Call) -> Page:
    """The groups of a user."""
    world = call.world
    found = [world.groups.get(key) for key in world.groups_of.get(the_user(call).unique_id, ())]
    rows: list[tuple[Key, Group]] = [(group.name.lower(), group) for group in found if group is not None]
    return Page(lambda cursor: in_order(rows, cursor), lambda row: shapes.group(world, row))


def _reference(arn: str) -> dict[str, str]:
    return {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}


def _attached(kind: HolderKind) -> Callable[[Call], Page]:
    def list_attached(call: Call) -> Page:
        prefix, held = call.params.get("PathPrefix", "/"), call.world.attached.get(the_holder(call, kind).unique_id, {})
        rows: list[tuple[Key, str]] = [(arn, arn) for arn in held if f":policy{prefix}" in arn]
        return Page(lambda cursor: in_order(rows, cursor), _reference)

    return list_attached


def _inline_names(kind: HolderKind) -> Callable[[Call], Page]:
    def list_inline(call: Call) -> Page:
        rows: list[tuple[Key, str]] = [(name, name) for name in _inline_of(call, the_holder(call, kind))]
        return Page(lambda cursor: in_order(rows, cursor), lambda name: name)

    return list_inline


def _inline_of(call: Call, holder: User | Group | Role) -> dict[str, str]:
    return {name: each.document for name, each in call.world.inline.get(holder.unique_id, {}).items()}


def _inline_document(kind: HolderKind) -> Callable[[Call], dict[str, Any]]:
    def get_inline(call: Call) -> dict[str, Any]:
        holder, name = the_holder(call, kind), call.params["PolicyName"]
        document = _inline_of(call, holder).get(name)
        if document is None:
            raise no_such(f"The {kind.lower()} policy with name {name}")
        return {f"{kind}Name": holder.name, "PolicyName": name, "PolicyDocument": shown(document)}

    return get_inline


for _kind in HOLDERS:
    operation("iam", f"ListAttached{_kind}Policies", named(_kind))(_attached(_kind))
    operation("iam", f"List{_kind}Policies", named(_kind))(_inline_names(_kind))
    operation("iam", f"Get{_kind}Policy", named(_kind))(_inline_document(_kind))
