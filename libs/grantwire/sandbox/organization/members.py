"""The planners of an organization's accounts: today's account, and other roles at its beginning.

Standard library only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from grantwire.sandbox import ids
from grantwire.sandbox.account import BULK_ACTIONS, CASES, MINIMUM_ACTIONS, Fixed, Planner, allowing
from grantwire.sandbox.organization.neighbours import NEIGHBOURS, misplaced, trusting
from grantwire.sandbox.plan import AccountPlan, Sizes
from grantwire.sandbox.trusts import Case, Cast
from grantwire.sandbox.trusts_odd import connector

# The child roles: the one that Organizations makes, and two that a stack set made for both readers.
OWN, FULL, MINIMUM = "OrganizationAccountAccessRole", "GrantwireRead", "GrantwireReadMinimum"
READER, READER_MINIMUM = "GrantwireOrganization", "GrantwireOrganizationMinimum"
ORGANIZATION_ACTIONS = (
    "organizations:DescribeOrganization",
    "organizations:ListRoots",
    "organizations:ListAccounts",
    "organizations:DescribeAccount",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListChildren",
    "organizations:ListParents",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListDelegatedServicesForAccount",
    "organizations:ListTagsForResource",
)
CHILD_ACTIONS = (*BULK_ACTIONS, "iam:ListAccountAliases")
# Why no child role of an account can be assumed, by what is wrong with it.
REFUSALS = {
    "missing": "the child role does not exist",
    "misplaced": "the child role trusts another account",
}


@dataclass(frozen=True)
class Surroundings:
    """What an account's plan needs to know of the organization. `trouble`: what is wrong with its child roles."""

    management: str
    delegated: str
    neighbour: str
    index: int | None = None
    trouble: str | None = None


class _Organized(Planner):
    """An account of an organization: the cases between accounts come first."""

    cases: tuple[Case, ...] = NEIGHBOURS + CASES

    def __init__(self, seed: int, sizes: Sizes, account: str, around: Surroundings) -> None:
        self.around = around
        super().__init__(seed, sizes, account)

    def luck(self) -> str:
        """Each account has generators of its own; names repeat all the same, as there are few ways to name."""
        index = self.account if self.around.index is None else self.around.index
        return f"{self.seed}.{index}"

    def cast(self, index: int, rng: random.Random) -> Cast:
        """With a user and a role of the neighbour, whose ids follow from its number."""
        found, there = super().cast(index, rng), self.around.neighbour
        user = rng.randrange(len(self.users))
        role = rng.randrange(min(3, len(self.roles)))
        return replace(
            found,
            neighbour=there,
            neighbour_user=ids.unique_id("AIDA", self.seed, there, "user", user),
            neighbour_role=ids.unique_id("AROA", self.seed, there, "role", role),
        )

    def readers(self) -> list[Fixed]:
        """The roles that read the organization: this account by themselves, the others through child roles."""
        trust = connector(self.operator_arn, self.external_id())
        return [
            Fixed(name, trust, "Reads the organization", _reading(actions, child))
            for name, actions, child in (
                (READER, CHILD_ACTIONS, OWN if self.around.management == self.account else FULL),
                (READER_MINIMUM, MINIMUM_ACTIONS, MINIMUM),
            )
        ]


def _reading(actions: tuple[str, ...], child: str) -> tuple[dict[str, Any], ...]:
    children = f"arn:aws:iam::*:role/{child}"
    return allowing(actions), allowing(ORGANIZATION_ACTIONS), allowing("sts:AssumeRole", children)


class ManagementPlanner(_Organized):
    """The management account: the connectors that know no organization, then the readers. No child role."""

    def fixed_roles(self) -> list[Fixed]:
        """Today's connectors and the readers."""
        return super().fixed_roles() + self.readers()


class MemberPlanner(_Organized):
    """A member account: child roles, unless they are missing; the readers in the delegated administrator's."""

    def fixed_roles(self) -> list[Fixed]:
        """The child roles, all with the same trouble."""
        readers = self.readers() if self.account == self.around.delegated else []
        if self.around.trouble == "missing":
            return readers
        both = (self.around.management, self.around.delegated)
        return [
            self._child(OWN, CHILD_ACTIONS, both[:1]),
            self._child(FULL, CHILD_ACTIONS, both),
            self._child(MINIMUM, MINIMUM_ACTIONS, both),
            *readers,
        ]

    def _child(self, name: str, actions: tuple[str, ...], trusted: tuple[str, ...]) -> Fixed:
        stranger = ids.digits(self.seed, "vendor")
        wrong = self.around.trouble == "misplaced"
        trust = misplaced(stranger) if wrong else trusting(trusted, self._asked())
        return Fixed(name, trust, "", (allowing(actions),))

    def _asked(self) -> str | None:
        own = "child-" + ids.digest(self.seed, self.account, "external id").hex()[:20]
        return own if self.around.trouble == "external id" else None

    def fill(self) -> AccountPlan:
        """The account, with how it is entered."""
        refuses = REFUSALS.get(self.around.trouble or "")
        return replace(super().fill(), refuses=refuses, external_id=self._asked())
