"""Relations inside the IAM of one account: memberships, managed policies, inline policies.

Names are IAM's and hold for one account, so what stands behind each is read first and its ARN compared: nothing is
written to a namesake.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from grantwire.aws.iam import access as names
from grantwire.aws.iam.access import IamAccess
from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.ids import AccountId, iam_scope
from grantwire.contracts.outcomes import PlannedCall
from grantwire.contracts.policies import aws_policy
from grantwire.contracts.resources import Kind, Relation, RelationKind
from grantwire.contracts.snapshots import Reason
from grantwire.graph.parts import Part, PartRead
from grantwire.provisioner.names import Iam, iam, inline
from grantwire.provisioner.ports import Look, Place, Polled, Sent
from grantwire.provisioner.targets.kit import elsewhere, missing, nothing_if_gone, relation, replaced, seen


@dataclass
class _InIam(ABC):
    """One command inside one account. ``unique_id``: the principal's, as the sender or the graph knows it; ``role``:
    who writes, for the plan."""

    access: IamAccess
    command: AccessCommand
    unique_id: str | None
    role: str | None

    at_once = True

    @property
    def principal(self) -> Iam:
        return iam(self.command.principal)

    @property
    def place(self) -> Place:
        return Place(iam_scope(AccountId(self.command.account)), "iam", self.command.account)

    async def poll(self, request_id: str, wants: bool) -> Polled:
        """IAM writes at once."""
        raise AssertionError("nothing of IAM goes on by itself")

    async def adopt(self, wants: bool) -> str | None:
        return None

    def expected(self, wants: bool, look: Look) -> PartRead | None:
        return self._part([*self._others(look.read), self._relation] if wants else self._others(look.read))

    def _others(self, read: PartRead) -> list[Relation]:
        return [row for row in read.relations if row != self._relation]

    @property
    def _relation(self) -> Relation:
        """What the command is about."""
        return relation(RelationKind.ATTACHED, self.command.target, self.command.principal)

    @abstractmethod
    def _part(self, rows: Iterable[Relation]) -> PartRead:
        """A reading of the part that shows these."""

    async def _look(self, part: Awaitable[Look], target: Callable[[], Awaitable[Reason | None]]) -> Look:
        """The part, and why its ends are not those that are meant. What a principal holds is there, under that ARN: a
        revoke asks for it only where it is not held."""
        if self.command.verb() == "grant":
            who, what, look = await asyncio.gather(self._principal(), target(), part)
            return look.refused(who or what)
        who, look = await asyncio.gather(self._principal(), part)
        return look.refused(who or (None if look.seen.held else await target()))

    async def _principal(self) -> Reason | None:
        """Why the principal is not the one that is meant."""
        who, access = self.principal, self.access
        ask = {Kind.IAM_USER: access.user, Kind.IAM_GROUP: access.group, Kind.IAM_ROLE: access.role}[who.kind]
        found = await ask(who.name)
        if found is None:
            return missing(self.command, self.command.principal, _GET[who.kind])
        if found.arn != who.arn:
            return elsewhere(self.command.principal, found.arn)
        if self.unique_id is not None and found.unique_id != self.unique_id:
            return replaced(self.command.principal, self.unique_id, found.unique_id)
        return None

    def _reads(self, principal: str, target: str, held: str) -> tuple[str, ...]:
        """What is asked before the write."""
        return (principal, target, held) if self.command.verb() == "grant" else (principal, held)

    def _plan(self, operation: str, reads: tuple[str, ...], **parameters: str) -> list[PlannedCall]:
        calls: list[tuple[str, bool, dict[str, str]]] = [(each, False, {}) for each in reads]
        return [
            PlannedCall(operation=name, account=self.command.account, role=self.role, writes=writes, parameters=given)
            for name, writes, given in [*calls, (operation, True, parameters), (reads[-1], False, {})]
        ]


_GET: Final = {Kind.IAM_USER: names.USER, Kind.IAM_GROUP: names.GROUP, Kind.IAM_ROLE: names.ROLE}


@dataclass
class IamMembership(_InIam):
    """A user in a group."""

    async def look(self) -> Look:
        return await self._look(self.read(), self._is_there)

    async def send(self, wants: bool, look: Look) -> Sent:
        write = self.access.add_to_group if wants else self.access.remove_from_group
        return Sent(await write(self._group.name, self.principal.name))

    @property
    def _group(self) -> Iam:
        return iam(self.command.target)

    async def _is_there(self) -> Reason | None:
        """Why the group is not the one that is meant."""
        group = await self.access.group(self._group.name)
        if group is None:
            return missing(self.command, self.command.target, names.GROUP)
        return elsewhere(self.command.target, group.arn) if group.arn != self._group.arn else None

    async def read(self) -> Look:
        groups = await nothing_if_gone(self.access.groups_of(self.principal.name))
        held = any(each.arn == self._group.arn for each in groups)
        refs = [Ref(kind=Kind.IAM_GROUP, native_id=each.arn) for each in groups]
        rows = [relation(RelationKind.MEMBER_OF, self.command.principal, each) for each in refs]
        return Look(seen(held, names.GROUPS_OF), self._part(rows), plan=self._planned)

    @property
    def _relation(self) -> Relation:
        return relation(RelationKind.MEMBER_OF, self.command.principal, self.command.target)

    def _part(self, rows: Iterable[Relation]) -> PartRead:
        user = self.command.principal
        return PartRead(Part(RelationKind.MEMBER_OF, (user.kind, user.native_id)), _in_order(rows))

    @property
    def _planned(self) -> list[PlannedCall]:
        operation = names.ADD if self.command.verb() == "grant" else names.REMOVE
        given = {"GroupName": self._group.name, "UserName": self.principal.name}
        return self._plan(operation, self._reads(names.USER, names.GROUP, names.GROUPS_OF), **given)


@dataclass
class PolicyAttachment(_InIam):
    """A managed policy on a user, group or role."""

    async def look(self) -> Look:
        return await self._look(self.read(), self._policy)

    async def send(self, wants: bool, look: Look) -> Sent:
        who, write = self.principal, self.access.attach if wants else self.access.detach
        return Sent(await write(who.kind, who.name, self.command.target.native_id))

    async def _policy(self) -> Reason | None:
        found = await self.access.policy(self.command.target.native_id)
        return missing(self.command, self.command.target, names.POLICY) if found is None else None

    async def read(self) -> Look:
        who, holder = self.principal, self.command.principal
        policies = await nothing_if_gone(self.access.attached(who.kind, who.name))
        held = any(each.arn == self.command.target.native_id for each in policies)
        refs = [Ref(kind=Kind.IAM_POLICY, native_id=each.arn) for each in policies]
        rows = [relation(RelationKind.ATTACHED, each, holder) for each in refs]
        return Look(seen(held, self._list), self._part(rows), plan=self._planned)

    def _part(self, rows: Iterable[Relation]) -> PartRead:
        holder, shown = self.command.principal, _in_order(rows)
        mentions = tuple(found for row in shown if (found := aws_policy(row.source)) is not None)
        part = Part(RelationKind.ATTACHED, (holder.kind, holder.native_id), Kind.IAM_POLICY)
        return PartRead(part, shown, mentions=mentions)

    @property
    def _list(self) -> str:
        return f"iam:ListAttached{_WORDS[self.principal.kind]}Policies"

    @property
    def _planned(self) -> list[PlannedCall]:
        word, verb = _WORDS[self.principal.kind], "Attach" if self.command.verb() == "grant" else "Detach"
        reads = self._reads(_GET[self.principal.kind], names.POLICY, self._list)
        given = {f"{word}Name": self.principal.name, "PolicyArn": self.command.target.native_id}
        return self._plan(f"iam:{verb}{word}Policy", reads, **given)


@dataclass
class InlinePolicy(_InIam):
    """An inline policy of a user, group or role: it can only be taken away."""

    async def look(self) -> Look:
        who, look = await asyncio.gather(self._principal(), self.read())
        return look.refused(who)

    async def send(self, wants: bool, look: Look) -> Sent:
        who = self.principal
        return Sent(await self.access.delete_inline(who.kind, who.name, self._name))

    @property
    def _name(self) -> str:
        return inline(self.command.target)[1]

    async def read(self) -> Look:
        """Names only: what the graph holds of the other policies stays, their documents included."""
        who, holder = self.principal, self.command.principal
        listed = await nothing_if_gone(self.access.inline(who.kind, who.name))
        refs = [Ref(kind=Kind.INLINE_POLICY, native_id=f"{who.arn}#{name}") for name in listed]
        rows = [relation(RelationKind.ATTACHED, each, holder) for each in refs]
        return Look(seen(self._name in listed, self._list), self._part(rows), plan=self._planned)

    def _part(self, rows: Iterable[Relation]) -> PartRead:
        holder, target, shown = self.command.principal, self.command.target, _in_order(rows)
        part = Part(RelationKind.ATTACHED, (holder.kind, holder.native_id), Kind.INLINE_POLICY)
        gone = () if self._relation in shown else ((target.kind, target.native_id),)
        return PartRead(part, shown, gone=gone)

    @property
    def _list(self) -> str:
        return f"iam:List{_WORDS[self.principal.kind]}Policies"

    @property
    def _planned(self) -> list[PlannedCall]:
        word = _WORDS[self.principal.kind]
        given = {f"{word}Name": self.principal.name, "PolicyName": self._name}
        return self._plan(f"iam:Delete{word}Policy", (_GET[self.principal.kind], self._list), **given)


def _in_order(rows: Iterable[Relation]) -> tuple[Relation, ...]:
    """In whatever order AWS lists them."""
    return tuple(sorted(rows, key=lambda row: (row.source, row.target)))


_WORDS: Final = {Kind.IAM_USER: "User", Kind.IAM_GROUP: "Group", Kind.IAM_ROLE: "Role"}
