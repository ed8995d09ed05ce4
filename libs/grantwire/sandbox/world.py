"""What the simulated account holds now: rows in tables, changed by effects and by nothing else."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from grantwire.sandbox.catalog import aws_policies
from grantwire.sandbox.facts import (
    CLOSE,
    OPEN,
    AccessKey,
    Attached,
    Credential,
    Device,
    Effect,
    Group,
    Inline,
    Login,
    Member,
    Policy,
    Put,
    Role,
    Root,
    Row,
    User,
    bound,
)
from grantwire.sandbox.history import History
from grantwire.sandbox.paging import Sorted

Entity = TypeVar("Entity", User, Group, Role, Policy)


class Named(Generic[Entity]):
    """Entities of one kind by unique id and by name. IAM names are unique without regard to letter case."""

    def __init__(self) -> None:
        self.table: Sorted[Entity] = Sorted()
        self._ids: dict[str, str] = {}

    def put(self, row: Entity) -> None:
        """Set the entity; a new name frees the old one."""
        self.drop(row)
        self.table.put(row.unique_id, row.name.lower(), row)
        self._ids[row.name.lower()] = row.unique_id

    def drop(self, row: Entity) -> None:
        """Remove the entity of that unique id."""
        old = self.table.get(row.unique_id)
        if old is not None:
            self._ids.pop(old.name.lower(), None)
            self.table.drop(row.unique_id)

    def get(self, unique_id: str) -> Entity | None:
        """The entity of that unique id."""
        return self.table.get(unique_id)

    def called(self, name: str) -> Entity | None:
        """The entity of that name, in any letter case."""
        return self.table.get(self._ids.get(name.lower(), ""))


class World:
    """One account. `apply` is the only way in; `journal` holds every effect since the world was loaded.

    `others`: the accounts of the same organization, whose users and roles a trust policy is bound to as well.
    """

    def __init__(
        self,
        account: str,
        rows: Iterable[Row] = (),
        partition: str = "aws",
        others: Mapping[str, World] = MappingProxyType({}),
        history: History | None = None,
    ) -> None:
        self.account, self.partition, self.others = account, partition, others
        self.catalog = aws_policies(partition)
        self.aliases: tuple[str, ...] = ()
        self.users: Named[User] = Named()
        self.groups: Named[Group] = Named()
        self.roles: Named[Role] = Named()
        self.policies: Named[Policy] = Named()
        self.inline: dict[str, dict[str, Inline]] = defaultdict(dict)
        self.attached: dict[str, dict[str, Attached]] = defaultdict(dict)
        self.groups_of: dict[str, dict[str, None]] = defaultdict(dict)
        self.users_in: dict[str, dict[str, None]] = defaultdict(dict)
        self.keys: dict[str, AccessKey] = {}
        self.logins: dict[str, Login] = {}
        self.devices: dict[str, dict[str, Device]] = defaultdict(dict)
        self.root: Root | None = None
        self.journal: list[Effect] = []
        self.marks: list[int] = []  # length of the journal before each write that changed something
        self.history = history or History()
        for row in rows:
            self._take(Put(row))

    def apply(self, *effects: Effect) -> None:
        """Carry out one write: all its effects, in order, recorded in the journal."""
        self.marks.append(len(self.journal))
        self.history.mark()
        for effect in effects:
            self.journal.append(effect)
            self._take(effect)

    def _take(self, effect: Effect) -> None:
        row, there = effect.row, isinstance(effect, Put)
        match row:
            case User():
                self.users.put(row) if there else self.users.drop(row)
            case Group():
                self.groups.put(row) if there else self.groups.drop(row)
            case Role():
                self.roles.put(row) if there else self.roles.drop(row)
            case Policy():
                self.policies.put(row) if there else self.policies.drop(row)
            case _:
                self._link(row, there)

    def _link(self, row: Inline | Attached | Member | Credential, there: bool) -> None:
        match row:
            case Inline():
                _set(self.inline[row.holder_id], row.name, row, there)
            case Attached():
                _set(self.attached[row.holder_id], row.policy_arn, row, there)
            case Member():
                _set(self.groups_of[row.user_id], row.group_id, None, there)
                _set(self.users_in[row.group_id], row.user_id, None, there)
            case _:
                self._credential(row, there)

    def _credential(self, row: Credential, there: bool) -> None:
        match row:
            case AccessKey():
                _set(self.keys, row.access_key_id, row, there)
            case Login():
                _set(self.logins, row.user_id, row, there)
            case Device():
                _set(self.devices[row.user_id], row.serial, row, there)
            case Root():
                self.root = row if there else None

    @property
    def iam(self) -> str:
        """How the ARNs of this account's IAM begin."""
        return f"arn:{self.partition}:iam::{self.account}:"

    def arn(self, row: User | Group | Role | Policy) -> str:
        """The ARN of an entity as it is named now."""
        kind = type(row).__name__.lower()
        return f"{self.iam}{kind}{row.path}{row.name}"

    def holder(self, unique_id: str) -> User | Group | Role | None:
        """The user, group or role of that unique id."""
        return self.users.get(unique_id) or self.groups.get(unique_id) or self.roles.get(unique_id)

    def policy(self, arn: str) -> Policy | None:
        """The managed policy of that ARN, the customer's or AWS's."""
        if arn in self.catalog:
            return self.catalog[arn]
        found = self.policies.called(arn.rsplit("/", 1)[-1])
        return found if found is not None and self.arn(found) == arn else None

    def keys_of(self, user_id: str) -> list[AccessKey]:
        """The access keys of a user, in the order they were made."""
        return [key for key in self.keys.values() if key.user_id == user_id]

    def use(self, arn: str) -> tuple[int, int]:
        """How often a managed policy is attached, and how often it is a boundary."""
        holders: list[User | Role] = [*self.users.table.rows(), *self.roles.table.rows()]
        return sum(arn in held for held in self.attached.values()), sum(row.boundary == arn for row in holders)

    def aws_policies(self) -> list[str]:
        """The ARNs of AWS's managed policies in use here, sorted."""
        used = {arn for held in self.attached.values() for arn in held}
        used |= {row.boundary for row in self.users.table.rows() if row.boundary}
        used |= {row.boundary for row in self.roles.table.rows() if row.boundary}
        return sorted(used & self.catalog.keys())

    def trust(self, role: Role) -> str:
        """A role's trust policy as AWS shows it: bound principals by their ARN of now, or by their id once deleted."""
        return re.sub(f"{OPEN}(.*?){CLOSE}", lambda found: self._shown(found[1]), role.trust)

    def _shown(self, unique_id: str) -> str:
        for world in (self, *self.others.values()):
            row = world.users.get(unique_id) or world.roles.get(unique_id)
            if row is not None:
                return json.dumps(world.arn(row))[1:-1]
        return unique_id

    def bind(self, document: dict[str, Any]) -> tuple[str, str | None]:
        """The stored spelling of a trust policy, and the first known account's principal in it that does not exist."""
        missing: list[str] = []
        statements = document.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            for element in ("Principal", "NotPrincipal"):
                named = statement.get(element)
                if isinstance(named, dict) and "AWS" in named:
                    named["AWS"] = self._bind_all(named["AWS"], missing)
        return json.dumps(document, ensure_ascii=False), missing[0] if missing else None

    def _bind_all(self, named: Any, missing: list[str]) -> Any:
        if isinstance(named, list):
            return [self._bind_all(each, missing) for each in named]
        world = self._home(named) if isinstance(named, str) else None
        if world is None:
            return named
        row = world.principal(named)
        if row is None:
            missing.append(named)
        return named if row is None else bound(row.unique_id)

    def _home(self, named: str) -> World | None:
        """The known account whose user or role a principal of a policy is."""
        parts = named.split(":", 5)
        if len(parts) < 6 or not parts[5].startswith(("user/", "role/")):
            return None
        world = self if parts[4] == self.account else self.others.get(parts[4])
        return world if world is not None and named.startswith(world.iam) else None

    def principal(self, arn: str) -> User | Role | None:
        """The user or role of that ARN."""
        name = arn.rsplit("/", 1)[-1]
        row = self.users.called(name) if ":user/" in arn else self.roles.called(name)
        return row if row is not None and self.arn(row) == arn else None

    def as_of(self, start: Iterable[Row], writes_back: int) -> World:
        """The world before the last `writes_back` writes, replayed from the rows it began with and the journal."""
        past = World(self.account, start, self.partition, self.others)
        past.aliases = self.aliases
        until = self.marks[-writes_back] if 0 < writes_back <= len(self.marks) else 0 if writes_back else None
        for effect in self.journal[:until]:
            past._take(effect)
        return past


def _set(table: dict[str, Any], key: str, value: object, there: bool) -> None:
    if there:
        table[key] = value
    else:
        table.pop(key, None)


def texts(value: object) -> Iterator[str]:
    """One text or a list of texts, as a policy may spell either."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))
