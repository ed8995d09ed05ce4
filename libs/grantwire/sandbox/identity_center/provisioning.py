"""Assignment and provisioning as AWS does them: asked for, in progress for a while, then done or failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from grantwire.sandbox import ids
from grantwire.sandbox.facts import Drop, Effect, Put, Role, Row
from grantwire.sandbox.identity_center import roles
from grantwire.sandbox.identity_center.center import Center
from grantwire.sandbox.identity_center.facts import (
    Assignment,
    CenterChange,
    Instance,
    PermissionSet,
    Provisioned,
)
from grantwire.sandbox.identity_center.sets import references
from grantwire.sandbox.organization.tree import Tree
from grantwire.sandbox.partitions import spelled
from grantwire.sandbox.world import World

CREATE, DELETE, PROVISION = "create", "delete", "provision"
IN_PROGRESS, FAILED, SUCCEEDED = "IN_PROGRESS", "FAILED", "SUCCEEDED"
MOST = 10  # requests in progress at a time


@dataclass
class Order:
    """One request. `account` is None for all accounts in which a set is provisioned already."""

    id: str
    kind: str
    permission_set: str
    account: str | None
    principal_type: str
    principal: str
    created_at: int
    due: float
    status: str = IN_PROGRESS
    reason: str | None = None
    forbidden: str | None = None  # what the caller may not do in the management account


class Failed(Exception):
    """Why a request ends as FAILED."""


class Provisioning:
    """The requests since the start. `delay`: seconds that one takes; `failing`: why the next ones fail, if they do."""

    def __init__(self, center: Center, members: Mapping[str, World], tree: Tree | None, seed: int) -> None:
        self.center, self._members, self._tree, self._seed = center, members, tree, seed
        self.delay = 0.2
        self.failing: list[str] = []
        self.orders: dict[str, Order] = {}

    def order(
        self, kind: str, permission_set: str, account: str | None, principal: tuple[str, str], now: float
    ) -> Order:
        """A new request, in progress."""
        number = ids.digest(self._seed, "order", len(self.orders)).hex()
        request_id = f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:32]}"
        made = Order(request_id, kind, permission_set, account, *principal, int(now), now + self.delay)
        self.orders[request_id] = made
        return made

    def open(self) -> list[Order]:
        """The requests in progress."""
        return [each for each in self.orders.values() if each.status == IN_PROGRESS]

    def clashing(self, permission_set: str, account: str | None) -> bool:
        """Whether a request in progress is about the same set in the same account."""
        return any(
            each.permission_set == permission_set and (account is None or each.account in (None, account))
            for each in self.open()
        )

    def settle(self, now: float) -> None:
        """Carry out what is due."""
        for order in self.open():
            if now >= order.due:
                self._carry_out(order, int(now))

    def _carry_out(self, order: Order, now: int) -> None:
        try:
            if self.failing:
                raise Failed(self.failing.pop(0))
            if order.forbidden is not None:
                raise Failed(order.forbidden)
            if order.kind == PROVISION:
                self._provision_all(order, now)
            else:
                self._assign(order, now) if order.kind == CREATE else self._unassign(order)
        except Failed as failed:
            order.status, order.reason = FAILED, str(failed)
            return
        order.status = SUCCEEDED

    # Assignments -----------------------------------------------------------------------------------------------------

    def _row(self, order: Order) -> Assignment:
        assert order.account is not None
        return Assignment(order.account, order.permission_set, order.principal_type, order.principal)

    def _known(self, order: Order) -> tuple[Instance, PermissionSet]:
        instance, row = self.center.organized, self.center.sets.get(order.permission_set)
        if instance is None or row is None:
            raise Failed(f"Received a 404 status error: Permission set {order.permission_set} not found.")
        return instance, row

    def _assign(self, order: Order, now: int) -> None:
        instance, permission_set = self._known(order)
        wanted = self._row(order)
        self._has_principal(instance, wanted)
        self._world(wanted.account)
        pair = wanted.account, wanted.permission_set
        changes = [CenterChange(wanted)]
        if wanted.permission_set not in self.center.provisioned[wanted.account]:
            made = self._provision(instance, permission_set, wanted.account, now)
            changes.insert(0, CenterChange(made))
        if (wanted.principal_type, wanted.principal) not in self.center.assigned[pair]:
            self.center.apply(*changes)

    def _has_principal(self, instance: Instance, wanted: Assignment) -> None:
        if not self.center.has_principal(instance.store, wanted.principal_type, wanted.principal):
            text = f"Received a 404 status error: the {wanted.principal_type} assignee {wanted.principal} was not found"
            raise Failed(f"{text} in directory {instance.store}")

    def _unassign(self, order: Order) -> None:
        """An assignment whose principal was deleted cannot be deleted any more; the last one takes the role along."""
        instance, _ = self._known(order)
        wanted = self._row(order)
        self._has_principal(instance, wanted)
        self._world(wanted.account)
        pair = wanted.account, wanted.permission_set
        held = self.center.assigned[pair]
        if (wanted.principal_type, wanted.principal) not in held:
            raise Failed("Received a 404 status error: Assignment not found.")
        changes = [CenterChange(wanted, there=False)]
        found = self.center.provisioned[wanted.account].get(wanted.permission_set)
        if len(held) == 1 and found is not None:
            self._unprovision(found)
            changes.append(CenterChange(found, there=False))
        self.center.apply(*changes)

    # Roles -----------------------------------------------------------------------------------------------------------

    def _provision_all(self, order: Order, now: int) -> None:
        instance, row = self._known(order)
        accounts = [order.account] if order.account is not None else list(self.center.accounts_of[row.arn])
        made = [self._provision(instance, row, account, now) for account in accounts]
        self.center.put(*made)

    def _world(self, account: str) -> World:
        world = self._members.get(account)
        if world is None or (self._tree is not None and account not in self._tree.accounts):
            raise Failed(f"Received a 404 status error: Account {account} not found.")
        if self._tree is not None and self._tree.is_closed(account):
            # As in https://github.com/61418/aws-sso-util/issues/80; AWS takes minutes to say so.
            raise Failed(
                "AWS SSO is unable to complete your request at this time. Obtaining permissions to manage your AWS "
                f"account '{account}' is taking longer than usual."
            )
        return world

    def _provision(self, instance: Instance, row: PermissionSet, account: str, now: int) -> Provisioned:
        """The role of the set in the account: made, or given what the set holds now."""
        world = self._world(account)
        self._has_policies(world, row)
        found = self.center.provisioned[account].get(row.arn)
        role = world.roles.get(found.role_id) if found is not None else None
        if role is not None:
            world.apply(*self._renewed(world, role, row))
            return Provisioned(account, row.arn, role.unique_id)
        role_id = ids.unique_id("AROA", self._seed, account, row.arn, len(world.journal))
        world.apply(*(Put(each) for each in self._made(instance, row, account, role_id, now)))
        return Provisioned(account, row.arn, role_id)

    def _made(self, instance: Instance, row: PermissionSet, account: str, role_id: str, now: int) -> list[Row]:
        trust = spelled(roles.trust_of(account, instance.arn), self.center.partition)
        path = roles.path_of(instance.region, self.center.partition)
        return roles.realized(role_id, account, row, trust, path, now)

    def _renewed(self, world: World, role: Role, row: PermissionSet) -> Iterator[Effect]:
        boundary = roles.boundary_of(world.account, row)
        yield Put(replace(role, description=row.description or "", boundary=boundary))
        yield from self._stripped(world, role)
        yield from (Put(each) for each in roles.policies(role, world.account, row))

    def _stripped(self, world: World, role: Role) -> Iterator[Effect]:
        yield from (Drop(each) for each in list(world.attached.get(role.unique_id, {}).values()))
        yield from (Drop(each) for each in list(world.inline.get(role.unique_id, {}).values()))

    def _unprovision(self, found: Provisioned) -> None:
        world = self._world(found.account)
        role = world.roles.get(found.role_id)
        if role is not None:
            world.apply(*self._stripped(world, role), Drop(role))

    def _has_policies(self, world: World, row: PermissionSet) -> None:
        for each in references(row):
            if world.policy(f"{world.iam}policy{each.path}{each.name}") is None:
                text = f"Received a 404 status error: Not supported policy arn:aws:iam::{world.account}:policy"
                raise Failed(f"{text}{each.path}{each.name}.")
