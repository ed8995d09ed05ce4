"""What a test may do to the organization, and how it is shown: `/_sandbox/organization`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from grantwire.sandbox.blueprint import newcomer
from grantwire.sandbox.organization.facts import STATES
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.state import State


def change(state: State, given: dict[str, Any]) -> None:
    """One of {"account", "state"}, {"leave"}, {"join"}, {"move": [account, parent]}.

    Raises `ValueError`, `KeyError`.
    """
    match given:
        case {"account": str(account), "state": str(wanted)} if wanted in STATES:
            _tree(state).set_state(account, wanted)
        case {"leave": str(account)}:
            state.leave(account)
        case {"join": str(account)} if len(account) == 12 and account.isdigit():
            _tree(state)
            state.join(account, newcomer(state.plan, account) if account not in state.plans else None)
        case {"move": [str(account), str(parent)]}:
            _tree(state).move(account, parent)
        case _:
            raise ValueError(f"no change of an organization: {given}; states are {STATES}")


def _tree(state: State) -> Tree:
    if state.tree is None:
        raise ValueError("there is no organization")
    return state.tree


def shown(state: State) -> dict[str, Any]:
    """The organization as it is now, the keys of every account's administrator included."""
    tree = _tree(state)
    return {
        "id": tree.organization.id,
        "root": tree.root.id,
        "units": [asdict(each) for each in tree.units.values()],
        "accounts": [asdict(each) for each in tree.accounts.values()],
        "delegations": [asdict(each) for each in tree.delegations],
        "admin_of": {account: asdict(planned.admin) for account, planned in state.plans.items()},
        "changes": len(tree.journal),
    }
