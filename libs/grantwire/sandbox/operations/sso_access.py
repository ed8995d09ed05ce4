"""Who may call Identity Center, and what its operations name."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.access.policies import Ask
from grantwire.sandbox.identity_center.center import Center
from grantwire.sandbox.identity_center.facts import Instance, PermissionSet
from grantwire.sandbox.identity_center.provisioning import Provisioning
from grantwire.sandbox.operations.registry import Call, Failure, Resource

SERVICE = "sso.amazonaws.com"
_UNSUPPORTED = "The operation is not supported for this Identity Center instance"


def the_center(call: Call) -> Center:
    """Identity Center, whoever calls."""
    assert call.center is not None  # the gateway knows no such service otherwise
    return call.center


def the_provisioning(call: Call) -> Provisioning:
    """What carries out requests."""
    assert call.provisioning is not None
    return call.provisioning


def visible(call: Call) -> list[Instance]:
    """The instances of the region, or of all where that is asked for, that the caller's account owns or belongs to."""
    account, tree = call.caller.world.account, call.organization
    inside = tree is not None and account in tree.accounts
    administers = inside and administrator(call)
    return [
        each
        for each in the_center(call).instances.values()
        if (each.region == call.region or call.params.get("RegionScope") == "ALL_REGIONS")
        and (each.owner == account or administers or (each.organized and inside))
    ]


def administrator(call: Call) -> bool:
    """Whether the caller's account administers Identity Center for the organization."""
    account, tree = call.caller.world.account, call.organization
    if tree is None:
        return False
    return account == tree.management or any(
        (each.account, each.service) == (account, SERVICE) for each in tree.delegations
    )


def manages(call: Call) -> bool:
    """Whether the caller's account is the organization's management account, or stands alone."""
    return call.organization is None or call.caller.world.account == call.organization.management


def denied(call: Call, action: str, resource: str) -> Failure:
    """AccessDenied as Identity Center says it."""
    text = f"User: {call.caller.arn} is not authorized to perform: {action} on resource: {resource}"
    return Failure("AccessDenied", text)


def the_instance(call: Call, action: str, arn: str | None = None) -> Instance:
    """The instance that the call names, or of that ARN: of this region, and the caller's to read."""
    wanted = arn or call.params["InstanceArn"]
    found = next((each for each in visible(call) if each.arn == wanted), None)
    if found is None or not (found.owner == call.caller.world.account or administrator(call)):
        raise denied(call, f"sso:{action}", wanted)
    return found


def the_organized(call: Call, action: str, arn: str | None = None) -> Instance:
    """The instance that the call names, or of that ARN, if it has permission sets."""
    found = the_instance(call, action, arn)
    if not found.organized:
        raise Failure("ValidationException", _UNSUPPORTED)
    return found


def the_set(call: Call, action: str, arn: str | None = None) -> PermissionSet:
    """The permission set that the call names, or of that ARN."""
    wanted = arn or call.params["PermissionSetArn"]
    owner = the_center(call).instance_of(wanted)
    named = call.params.get("InstanceArn") or (owner.arn if owner is not None else wanted)
    instance = the_organized(call, action, named)
    found = the_center(call).sets.get(wanted)
    if found is None or owner != instance:
        raise Failure("ResourceNotFoundException", f"PermissionSet with Arn {wanted} was not found.")
    return found


def the_member(call: Call, account: str) -> str:
    """An account of the organization."""
    tree = call.organization
    if tree is None or account not in tree.accounts:
        raise Failure("ResourceNotFoundException", f"Account with Id {account} was not found in the organization.")
    return account


def may_change(call: Call, permission_set: str, account: str | None, action: str) -> None:
    """Refuse a delegated administrator what touches the management account: it, and the sets provisioned there."""
    tree = call.organization
    if tree is None or manages(call):
        return
    if account == tree.management:
        raise denied(call, f"sso:{action}", f"arn:{tree.partition}:sso:::account/{account}")
    if tree.management in the_center(call).accounts_of.get(permission_set, {}):
        raise denied(call, f"sso:{action}", permission_set)


# In the management account AWS acts with the rights of whoever asks. The reasons of requests that failed are as in
# https://github.com/fivexl/terraform-aws-sso-elevator/issues/15 and /issues/21.
_READING = ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")
_MAKING = ("CreateRole", "AttachRolePolicy", "PutRolePolicy")
_ENDING = ("DetachRolePolicy", "DeleteRolePolicy", "DeleteRole")


def forbidden(call: Call, account: str, makes: bool) -> str | None:
    """Why a request about the management account will fail: what its caller may not do there."""
    tree = call.organization
    if tree is None or account != tree.management:
        return None
    iam = f"arn:{tree.partition}:iam::{account}"
    role, provider = f"{iam}:role/aws-reserved/sso.amazonaws.com/x", f"{iam}:saml-provider/AWSSSO_x_DO_NOT_DELETE"
    wanted = [("GetSAMLProvider", provider), *((each, role) for each in (*_READING, *(_MAKING if makes else _ENDING)))]
    for action, resource in wanted:
        reason = call.caller.refusal(Ask(f"iam:{action}", resource, call.caller.context()))
        if reason is not None:
            text = (
                f"User: {call.caller.arn} is not authorized to perform: iam:{action} on resource: {resource} {reason}"
            )
            return f"Received a 403 status error: Access denied by IAM. IAM Error: {text}"
    return None


def on(*parameters: str) -> Resource:
    """The resources of an operation: the ARNs it names, and the accounts as ARNs."""

    def resources(call: Call) -> tuple[str, ...]:
        return tuple(_arn(call, call.params[name]) for name in parameters if name in call.params) or ("*",)

    return resources


def _arn(call: Call, wanted: Any) -> str:
    return str(wanted) if str(wanted).startswith("arn:") else f"arn:{call.world.partition}:sso:::account/{wanted}"
