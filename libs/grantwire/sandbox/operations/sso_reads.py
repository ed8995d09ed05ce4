"""Identity Center: its instances and permission sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from grantwire.sandbox.identity_center.facts import Instance, PermissionSet, Reference
from grantwire.sandbox.operations import shapes
from grantwire.sandbox.operations.registry import Call, Failure, everything, operation
from grantwire.sandbox.operations.sso_access import on, the_center, the_instance, the_organized, the_set, visible
from grantwire.sandbox.paging import Key, Page, in_order


def listed(rows: Iterable[tuple[Key, Any]], show: Callable[[Any], Any] = lambda row: row) -> Page:
    """A page of (key, row) in the order of their keys."""
    found = list(rows)

    def after(cursor: Key | None) -> Iterator[tuple[Key, Any]]:
        return in_order(found, cursor)

    return Page(after, show)


def _shown(call: Call, row: Instance) -> dict[str, Any]:
    partition = call.world.partition
    named = {"Name": row.name} if row.name is not None else {}
    return named | {
        "InstanceArn": row.arn,
        "IdentityStoreId": row.store,
        "IdentityStoreArn": f"arn:{partition}:identitystore::{row.owner}:identitystore/{row.store}",
        "OwnerAccountId": row.owner,
        "CreatedDate": row.created_at,
        "Status": "ACTIVE",
        "PrimaryRegion": row.region,
    }


@operation("sso-admin", "ListInstances", everything)
def list_instances(call: Call) -> Page:
    """The instances of this region, or of all regions; elsewhere there are none."""
    return listed(((row.arn, row) for row in visible(call)), lambda row: _shown(call, row))


@operation("sso-admin", "DescribeInstance", on("InstanceArn"))
def describe_instance(call: Call) -> dict[str, Any]:
    """One instance; whether it has permission sets is said here only."""
    found = the_instance(call, "DescribeInstance")
    return _shown(call, found) | {"PermissionSetsEnabled": found.organized}


@operation("sso-admin", "ListPermissionSets", on("InstanceArn"))
def list_permission_sets(call: Call) -> Page:
    """The ARNs of all permission sets."""
    the_organized(call, "ListPermissionSets")
    return Page(the_center(call).sets.after, lambda row: row.arn)


def detail(row: PermissionSet) -> dict[str, Any]:
    """A permission set by itself: what was never said is absent."""
    described = {"Description": row.description} if row.description else {}
    relayed = {"RelayState": row.relay_state} if row.relay_state else {}
    always = {"CreatedDate": row.created_at, "SessionDuration": row.session}
    return {"Name": row.name, "PermissionSetArn": row.arn} | always | described | relayed


@operation("sso-admin", "DescribePermissionSet", on("InstanceArn", "PermissionSetArn"))
def describe_permission_set(call: Call) -> dict[str, Any]:
    """One permission set without its policies and tags."""
    return {"PermissionSet": detail(the_set(call, "DescribePermissionSet"))}


@operation("sso-admin", "ListManagedPoliciesInPermissionSet", on("InstanceArn", "PermissionSetArn"))
def list_managed_policies(call: Call) -> Page:
    """AWS's policies in a permission set."""
    rows = the_set(call, "ListManagedPoliciesInPermissionSet").managed
    return listed(((arn, arn) for arn in rows), lambda arn: {"Name": arn.rsplit("/", 1)[-1], "Arn": arn})


@operation("sso-admin", "ListCustomerManagedPolicyReferencesInPermissionSet", on("InstanceArn", "PermissionSetArn"))
def list_customer_managed_policies(call: Call) -> Page:
    """The customer's policies in a permission set, by name and path."""
    rows = the_set(call, "ListCustomerManagedPolicyReferencesInPermissionSet").customer
    return listed((((row.path, row.name), row) for row in rows), reference)


def reference(row: Reference) -> dict[str, str]:
    """A customer managed policy as Identity Center names it."""
    return {"Name": row.name, "Path": row.path}


@operation("sso-admin", "GetInlinePolicyForPermissionSet", on("InstanceArn", "PermissionSetArn"))
def get_inline_policy(call: Call) -> dict[str, Any]:
    """The inline policy as plain JSON, an empty text when there is none."""
    return {"InlinePolicy": the_set(call, "GetInlinePolicyForPermissionSet").inline or ""}


@operation("sso-admin", "GetPermissionsBoundaryForPermissionSet", on("InstanceArn", "PermissionSetArn"))
def get_permissions_boundary(call: Call) -> dict[str, Any]:
    """The boundary; a set without one is an error."""
    found = the_set(call, "GetPermissionsBoundaryForPermissionSet")
    if found.boundary is None:
        raise Failure("ResourceNotFoundException", f"PermissionsBoundary for {found.arn} was not found.")
    if isinstance(found.boundary, str):
        return {"PermissionsBoundary": {"ManagedPolicyArn": found.boundary}}
    return {"PermissionsBoundary": {"CustomerManagedPolicyReference": reference(found.boundary)}}


@operation("sso-admin", "ListTagsForResource", on("ResourceArn"))
def list_tags(call: Call) -> Page:
    """The tags of a permission set, or of an instance, which has none here."""
    wanted = call.params["ResourceArn"]
    if wanted in the_center(call).instances:
        the_instance(call, "ListTagsForResource", wanted)
        return listed(())
    found = the_set(call, "ListTagsForResource", wanted)
    return listed((tag["Key"], tag) for tag in shapes.tags(found.tags))
