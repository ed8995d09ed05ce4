"""Who may call Organizations, and what its operations name."""

from __future__ import annotations

from grantwire.sandbox.operations.registry import Call, Failure
from grantwire.sandbox.organization.facts import Account
from grantwire.sandbox.organization.tree import Tree


def refused(code: str, message: str) -> Failure:
    """An error of Organizations: all of them are HTTP 400."""
    return Failure(code, message, 400)


def not_in_use() -> Failure:
    """The caller's account belongs to no organization."""
    return refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


def own_tree(call: Call) -> Tree:
    """The organization of the caller's account."""
    tree = call.organization
    if tree is None or call.caller.world.account not in tree.accounts:
        raise not_in_use()
    return tree


def readable_tree(call: Call) -> Tree:
    """The organization, for its management account and its delegated administrators."""
    tree = own_tree(call)
    if not tree.may_administer(call.caller.world.account):
        raise Failure("AccessDenied", "You don't have permissions to access this resource.")
    return tree


def managed_tree(call: Call) -> Tree:
    """The organization, for its management account alone."""
    tree = own_tree(call)
    if tree.management != call.caller.world.account:
        raise Failure("AccessDenied", "You don't have permissions to access this resource.")
    return tree


def the_account(tree: Tree, number: str) -> Account:
    """The account of that number."""
    found = tree.accounts.get(number)
    if found is None:
        raise refused("AccountNotFoundException", "You specified an account that doesn't exist.")
    return found


def the_parent(tree: Tree, call: Call) -> str:
    """The root or unit that the call names."""
    wanted = str(call.params["ParentId"])
    if wanted not in tree.units:
        raise refused("ParentNotFoundException", "You specified parent that doesn't exist.")
    return wanted


def on(parameter: str) -> _On:
    """The resource of an operation on what `parameter` names."""
    return _On(parameter)


class _On:
    def __init__(self, parameter: str) -> None:
        self.parameter = parameter

    def __call__(self, call: Call) -> str:
        found = call.organization.arn(str(call.params[self.parameter])) if call.organization is not None else None
        return found or "*"
