"""Organizations: an account moves, closes, leaves."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.operations.org_access import managed_tree, on, refused, the_account
from grantwire.sandbox.operations.registry import Call, operation
from grantwire.sandbox.organization.facts import ACTIVE


@operation("organizations", "MoveAccount", on("AccountId"))
def move_account(call: Call) -> dict[str, Any]:
    """From the parent it is under to another."""
    tree, params = managed_tree(call), call.params
    account = the_account(tree, params["AccountId"])
    if params["SourceParentId"] != account.parent:
        text = "The provided source parent isn't the parent of the account."
        raise refused("SourceParentNotFoundException", text)
    if params["DestinationParentId"] not in tree.units:
        text = "We can't find the destination container (a root or OU) with the ParentId that you specified."
        raise refused("DestinationParentNotFoundException", text)
    if params["DestinationParentId"] == account.parent:
        raise refused("DuplicateAccountException", "That account is already present in the specified destination.")
    tree.move(account.id, params["DestinationParentId"])
    return {}


@operation("organizations", "CloseAccount", on("AccountId"))
def close_account(call: Call) -> dict[str, Any]:
    """Begins closing: the account stays, PENDING_CLOSURE. A control page takes it on to SUSPENDED or CLOSED."""
    tree = managed_tree(call)
    account = the_account(tree, call.params["AccountId"])
    if account.id == tree.management:
        text = "You can't close the management account of an organization."
        raise refused("ConstraintViolationException", text)
    if account.state != ACTIVE:
        text = "You attempted to close an account that is already closed."
        raise refused("AccountAlreadyClosedException", text)
    tree.close(account.id)
    return {}


@operation("organizations", "RemoveAccountFromOrganization", on("AccountId"))
def remove_account_from_organization(call: Call) -> dict[str, Any]:
    """The account stands alone again; its own IAM, child roles included, stays as it is."""
    tree = managed_tree(call)
    account = the_account(tree, call.params["AccountId"])
    if account.id == tree.management:
        text = "You can't remove a management account from an organization."
        raise refused("MasterCannotLeaveOrganizationException", text)
    if any(each.account == account.id for each in tree.delegations):
        text = "You attempted to remove an account that is registered as a delegated administrator."
        raise refused("ConstraintViolationException", text)
    tree.leave(account.id)
    return {}
