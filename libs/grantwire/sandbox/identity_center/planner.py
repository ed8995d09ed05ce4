"""The plan of Identity Center: an instance, its directory, permission sets, and what is provisioned and assigned where.

It is made around a plan that is complete without it; accounts gain the roles and policies that provisioning makes.
Standard library only.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from grantwire.sandbox import ids
from grantwire.sandbox.facts import Policy, Row, Version
from grantwire.sandbox.identity_center import facts, roles, sets
from grantwire.sandbox.identity_center.facts import (
    GROUP,
    USER,
    Assignment,
    CenterPlan,
    CenterRow,
    DirectorySizes,
    Instance,
    PermissionSet,
    Person,
    Provisioned,
)
from grantwire.sandbox.identity_center.people import People
from grantwire.sandbox.plan import AccountPlan, Plan

_MADE = 1_577_836_800


def with_center(plan: Plan, kind: str, region: str, partition: str, sizes: DirectorySizes) -> Plan:
    """The plan with Identity Center in it. Raises `ValueError` for a kind that needs an organization without one."""
    if kind in (facts.ORGANIZATION, facts.SEVERAL) and plan.organization is None:
        raise ValueError(f"Identity Center of kind {kind} needs an organization: give it two accounts or more")
    made = _Planner(plan, kind, region, partition, sizes)
    return made.extended(CenterPlan(kind, region, tuple(made.rows())))


def prepared(account: AccountPlan, center: CenterPlan) -> AccountPlan:
    """The account, where the trust of roles that provisioning may yet make is understood."""
    more = dict(roles.expected(account.account, each.arn) for each in center.instances if each.organized)
    return replace(account, expectations=account.expectations | more)


class _Planner:
    def __init__(self, plan: Plan, kind: str, region: str, partition: str, sizes: DirectorySizes) -> None:
        self.plan, self.kind, self.region, self.partition, self.sizes = plan, kind, region, partition, sizes
        self.seed = plan.seed
        self.made: dict[str, list[Row]] = {}  # by account
        self.main = self._instance("organization", plan.account, "organization-instance")

    def _instance(self, concern: str, owner: str, name: str | None) -> Instance:
        number = ids.digest(self.seed, self.plan.account, "instance", concern).hex()
        arn, store = f"arn:aws:sso:::instance/ssoins-{number[:16]}", f"d-{number[20:30]}"
        organized = concern == "organization"
        return Instance(arn, store, self.region, owner, _MADE + int(number[:4], 16), name, organized)

    def _rng(self, concern: str, *index: object) -> random.Random:
        return random.Random(f"{self.seed}:identity center {concern}:{index}")  # noqa: S311  repeatable on purpose

    def rows(self) -> Iterator[CenterRow]:
        """Everything there is at the start."""
        if self.kind in (facts.ORGANIZATION, facts.SEVERAL):
            yield self.main
            yield from self._organized()
        if self.kind in (facts.ACCOUNT, facts.SEVERAL):
            owner = self.plan.account if self.kind == facts.ACCOUNT else self._delegated()
            own = self._instance("account", owner, None)
            few = self.kind == facts.SEVERAL
            people = People(self.seed, own.store, 3 if few else self.sizes.users, 3 if few else self.sizes.groups)
            yield own
            yield from people.rows()

    def _delegated(self) -> str:
        assert self.plan.organization is not None
        return self.plan.organization.delegated

    def extended(self, center: CenterPlan) -> Plan:
        """The plan with its accounts as provisioning leaves them."""
        filled = {
            each.account: prepared(replace(each, rows=each.rows + tuple(self.made.get(each.account, ()))), center)
            for each in self.plan.accounts
        }
        first = filled[self.plan.account]
        there = replace(self.plan, rows=first.rows, expectations=first.expectations, center=center)
        if there.organization is None:
            return there
        return replace(there, organization=replace(there.organization, members=tuple(filled.values())))

    # The organization's instance -------------------------------------------------------------------------------------

    def _organized(self) -> Iterator[CenterRow]:
        people = People(self.seed, self.main.store, self.sizes.users, self.sizes.groups, self.sizes.largest)
        known = [sets.permission_set(self.seed, self.main.arn, index) for index in range(self.sizes.permission_sets)]
        yield from people.rows()
        yield from known
        for index, (account, row) in enumerate(self._pairs(known)):
            role_id = ids.unique_id("AROA", self.seed, account, row.arn)
            self._provision(role_id, account, row)
            yield Provisioned(account, row.arn, role_id, index % 5 != 3)
            yield from self._assignments(index, account, row, people)

    def _pairs(self, known: list[PermissionSet]) -> list[tuple[str, PermissionSet]]:
        """Pairs in a mixed order. The last set is provisioned nowhere and the last account has none; the management
        account has the first set alone, as what is provisioned there is out of a delegated administrator's reach."""
        accounts = [each.account for each in self.plan.accounts]
        usable, members = known[:-1] or known, accounts[1:-1] or accounts[1:]
        others = [(account, row) for account in members for row in usable[1:]]
        self._rng("pairs").shuffle(others)
        first = [(accounts[0], usable[0]), (members[0], usable[0])] if usable else []
        return (first + others)[: self.sizes.provisioned]

    def _provision(self, role_id: str, account: str, row: PermissionSet) -> None:
        there = self.made.setdefault(account, [])
        there += [each for each in self._shared(account, row) if each not in there]
        trust, path = roles.trust_of(account, self.main.arn), roles.path_of(self.region, self.partition)
        made = self._rng("provisioned", account, row.arn).randint(row.created_at, 1_735_689_600)
        there += roles.realized(role_id, account, row, trust, path, made)

    def _shared(self, account: str, row: PermissionSet) -> Iterator[Policy]:
        for each in sets.references(row):
            unique_id = ids.unique_id("ANPA", self.seed, account, each.name)
            version = Version("v1", sets.shared_document(), _MADE)
            yield Policy(unique_id, each.name, each.path, _MADE, _MADE, "v1", (version,))

    def _assignments(self, index: int, account: str, row: PermissionSet, people: People) -> Iterator[Assignment]:
        """The first pair has many, so that it pages; the third none, as a set can be provisioned for nobody."""
        rng = self._rng("assigned", account, row.arn)
        users, groups = people.users, people.groups
        if index == 2:
            return
        count = min(130, self.sizes.largest or 130) if index == 0 else rng.choice((0, 1, 1, 2))
        for person in self._some(rng, users, count):
            yield Assignment(account, row.arn, USER, person.id)
        for team in rng.sample(groups, min(len(groups), rng.choice((1, 1, 2, 3)))):
            yield Assignment(account, row.arn, GROUP, team.id)
        yield from self._orphans(index, account, row, people)

    def _some(self, rng: random.Random, users: list[Person], count: int) -> list[Person]:
        return rng.sample(users, min(len(users), count))

    def _orphans(self, index: int, account: str, row: PermissionSet, people: People) -> Iterator[Assignment]:
        """Principals that were deleted while they were assigned: one of them in several places."""
        if index % 4 == 1:
            yield Assignment(account, row.arn, USER, people.gone("user"))
        if index % 7 == 3:
            yield Assignment(account, row.arn, GROUP, people.gone("group", index))
