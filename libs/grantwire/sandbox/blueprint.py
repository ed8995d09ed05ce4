"""The plan of a sandbox: one account, or an organization of them, in any partition. Standard library only."""

from __future__ import annotations

from dataclasses import replace

from grantwire.sandbox import extras as extending
from grantwire.sandbox import ids
from grantwire.sandbox.account import CASES, Planner
from grantwire.sandbox.organization import planner
from grantwire.sandbox.partitions import spelled
from grantwire.sandbox.plan import AccountPlan, Expectations, Extras, Plan, Sizes, trust_key

__all__ = ["CASES", "newcomer", "plan"]

_DEFAULT, _NOTHING = Sizes(), Extras()


def plan(
    seed: int,
    sizes: Sizes = _DEFAULT,
    account: str | None = None,
    accounts: int = 1,
    partition: str = "aws",
    calm: bool = False,
    extras: Extras = _NOTHING,
) -> Plan:
    """The whole sandbox of a seed. `calm`: every account of the organization can be entered.

    Raises `ValueError` for extras that do not fit.
    """
    number = account or ids.digits(seed, "account")
    alone = accounts == 1
    made = Planner(seed, sizes, number).plan() if alone else planner.organized(seed, sizes, number, accounts, calm)
    made = extending.extended(made, extras, partition)
    return made if partition == "aws" else _moved(made, partition)


def newcomer(made: Plan, account: str) -> AccountPlan:
    """The plan of an account that was not there and joins the organization of `made`."""
    there = spelled(extending.joined(made, planner.newcomer(made, account)), made.partition)
    return there if made.partition == "aws" else replace(there, expectations=_rekeyed(there.expectations))


def _moved(made: Plan, partition: str) -> Plan:
    there = replace(spelled(made, partition), partition=partition)
    there = replace(there, expectations=_rekeyed(there.expectations))
    if there.organization is None:
        return there
    members = tuple(replace(each, expectations=_rekeyed(each.expectations)) for each in there.organization.members)
    return replace(there, organization=replace(there.organization, members=members))


def _rekeyed(said: Expectations) -> Expectations:
    # Another spelling may sort otherwise.
    return {trust_key(key): meant for key, meant in said.items()}
