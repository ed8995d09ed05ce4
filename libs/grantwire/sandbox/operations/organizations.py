"""Organizations: what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from grantwire.sandbox.operations.org_access import on, own_tree, readable_tree, refused, the_account, the_parent
from grantwire.sandbox.operations.registry import Call, Failure, everything, operation
from grantwire.sandbox.organization.facts import Account, Delegation, Unit, status_shown
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.paging import Key, Page, in_order


def _page(rows: Iterable[Any], key: Callable[[Any], str], show: Callable[[Any], dict[str, Any]]) -> Page:
    found: list[tuple[Key, Any]] = [(key(row), row) for row in rows]

    def after(cursor: Key | None) -> Iterator[tuple[Key, Any]]:
        return in_order(found, cursor)

    return Page(after, show)


def _id(row: Any) -> str:
    return str(row.id)


def _account(call: Call, tree: Tree) -> Callable[[Account], dict[str, Any]]:
    def show(row: Account) -> dict[str, Any]:
        return _named(tree, row) | status_shown(row.state, call.account_state)

    return show


def _named(tree: Tree, row: Account) -> dict[str, Any]:
    joined = {"JoinedMethod": row.joined_method, "JoinedTimestamp": row.joined_at}
    return {"Id": row.id, "Arn": tree.arn(row.id), "Name": row.name, "Email": row.email} | joined


def _unit(tree: Tree) -> Callable[[Unit], dict[str, Any]]:
    return lambda row: {"Id": row.id, "Arn": tree.arn(row.id), "Name": row.name}


@operation("organizations", "DescribeOrganization", everything)
def describe_organization(call: Call) -> dict[str, Any]:
    """The one read that every account of the organization may make."""
    tree = own_tree(call)
    row, manager = tree.organization, tree.accounts[tree.management]
    return {
        "Organization": {
            "Id": row.id,
            "Arn": tree.spelled(f"organization/{row.id}"),
            "FeatureSet": row.feature_set,
            "MasterAccountArn": tree.arn(manager.id),
            "MasterAccountId": manager.id,
            "MasterAccountEmail": manager.email,
            "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
        }
    }


@operation("organizations", "ListRoots", everything)
def list_roots(call: Call) -> Page:
    """The root; there has never been more than one."""
    tree = readable_tree(call)
    policies = {"PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}
    return _page([tree.root], _id, lambda row: _unit(tree)(row) | policies)


@operation("organizations", "ListAccounts", everything)
def list_accounts(call: Call) -> Page:
    """Every account, whatever its state."""
    tree = readable_tree(call)
    return _page(tree.accounts.values(), _id, _account(call, tree))


@operation("organizations", "DescribeAccount", on("AccountId"))
def describe_account(call: Call) -> dict[str, Any]:
    """One account."""
    tree = readable_tree(call)
    return {"Account": _account(call, tree)(the_account(tree, call.params["AccountId"]))}


@operation("organizations", "ListAccountsForParent", on("ParentId"))
def list_accounts_for_parent(call: Call) -> Page:
    """Accounts directly under a root or unit."""
    tree = readable_tree(call)
    return _page(tree.accounts_under(the_parent(tree, call)), _id, _account(call, tree))


@operation("organizations", "ListOrganizationalUnitsForParent", on("ParentId"))
def list_organizational_units_for_parent(call: Call) -> Page:
    """Units directly under a root or unit."""
    tree = readable_tree(call)
    return _page(tree.units_under(the_parent(tree, call)), _id, _unit(tree))


@operation("organizations", "ListChildren", on("ParentId"))
def list_children(call: Call) -> Page:
    """The ids of accounts or of units directly under a root or unit."""
    tree, kind = readable_tree(call), call.params["ChildType"]
    parent = the_parent(tree, call)
    rows: list[Any] = [*(tree.accounts_under(parent) if kind == "ACCOUNT" else tree.units_under(parent))]
    return _page(rows, _id, lambda row: {"Id": row.id, "Type": kind})


@operation("organizations", "ListParents", on("ChildId"))
def list_parents(call: Call) -> Page:
    """The root or unit that an account or unit is under."""
    tree = readable_tree(call)
    found = tree.parent_of(call.params["ChildId"])
    if found is None:
        raise refused("ChildNotFoundException", "You specified a child that doesn't exist.")
    kind = "ROOT" if found.parent is None else "ORGANIZATIONAL_UNIT"
    return _page([found], _id, lambda row: {"Id": row.id, "Type": kind})


@operation("organizations", "ListDelegatedAdministrators", everything)
def list_delegated_administrators(call: Call) -> Page:
    """The accounts that administer a service, or the one that is asked about; each once."""
    tree, wanted = readable_tree(call), call.params.get("ServicePrincipal")
    since: dict[str, int] = {}
    for each in tree.delegations:
        if wanted in (None, each.service):
            since[each.account] = min(each.enabled_at, since.get(each.account, each.enabled_at))
    show = _account(call, tree)
    accounts = [tree.accounts[number] for number in since]
    return _page(accounts, _id, lambda row: show(row) | {"DelegationEnabledDate": since[row.id]})


@operation("organizations", "ListDelegatedServicesForAccount", on("AccountId"))
def list_delegated_services_for_account(call: Call) -> Page:
    """The services that an account administers; an account that administers none is an error."""
    tree = readable_tree(call)
    account = the_account(tree, call.params["AccountId"])
    rows = [each for each in tree.delegations if each.account == account.id]
    if not rows:
        text = "The provided account is not a registered delegated administrator for your organization."
        raise refused("AccountNotRegisteredException", text)
    return _page(rows, lambda row: str(row.service), _delegation)


def _delegation(row: Delegation) -> dict[str, Any]:
    return {"ServicePrincipal": row.service, "DelegationEnabledDate": row.enabled_at}


@operation("organizations", "ListTagsForResource", on("ResourceId"))
def list_tags_for_resource(call: Call) -> Page:
    """The tags of a root, unit or account."""
    tree, wanted = readable_tree(call), call.params["ResourceId"]
    found = tree.accounts.get(wanted) or tree.units.get(wanted)
    if found is None:
        raise _no_target()
    return _page(found.tags, lambda tag: str(tag[0]), lambda tag: {"Key": tag[0], "Value": tag[1]})


def _no_target() -> Failure:
    return refused("TargetNotFoundException", "You specified a target that doesn't exist.")
