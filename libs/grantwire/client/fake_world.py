"""A Grantwire in memory, for tests of those who use the client: the same answers, no AWS, no bus, no waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from grantwire.client.clock import utc_now
from grantwire.client.wire import Heard, Stored
from grantwire.contracts.changes import RelationAdded, RelationRemoved
from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.ids import AccountId, assignments_scope, directory_memberships_scope, iam_scope
from grantwire.contracts.outcomes import BY_STATE, CommandTold, Evidence, PlannedCall
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import Reason

Pair = tuple[Ref, Ref]
_READ: Final = "fake:Read"
_WRITE: Final = "fake:Write"
_REUSED: Final = Reason(code="id_reused", text="This id is of another command of the same team, whose outcome stands.")


@dataclass
class Taken:
    """A command in the inbox, and all that was told of it."""

    team: str
    command: AccessCommand
    sequence: int
    published_at: datetime
    told: list[CommandTold] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return any(each.final for each in self.told)

    @property
    def intent(self) -> Pair:
        return self.command.principal, self.command.target


@dataclass
class FakeWorld:
    """What is held, who is there, and what was told. Share one among the fakes of several teams.

    ``held``: pairs of principal and target. ``missing``: principals and targets that AWS does not know. ``suspended``:
    accounts that AWS has suspended. ``away``: no provisioner runs; the bus keeps what is sent. ``clock`` says what time
    it is.
    """

    held: set[Pair] = field(default_factory=set)
    missing: set[Ref] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    clock: Callable[[], datetime] = utc_now
    away: bool = False
    revision: int = 1
    writes: list[AccessCommand] = field(default_factory=list)
    stream: list[Stored] = field(default_factory=list)
    first: int = 1
    created: str = field(default_factory=lambda: str(uuid4()))
    _inbox: dict[tuple[str, UUID], Taken] = field(default_factory=dict)
    _kept: list[tuple[str, AccessCommand, datetime]] = field(default_factory=list)
    _listeners: dict[tuple[str, UUID], list[Heard]] = field(default_factory=dict)
    _watchers: list[Callable[[], None]] = field(default_factory=list)

    def publish(self, team: str, command: AccessCommand) -> None:
        """The bus has it from now on."""
        self._kept.append((team, command, self.clock()))
        self.resume(away=self.away)

    def resume(self, *, away: bool = False) -> None:
        """A provisioner runs (or none does): what the bus kept and what is parked is carried out, in order."""
        self.away = away
        if away:
            return
        kept, self._kept = self._kept, []
        for each in kept:
            self._take(*each)
        for taken in list(self._inbox.values()):
            if not taken.ended:
                self._carry_out(taken)

    def last_told(self, team: str, id: UUID) -> CommandTold | None:
        taken = self._inbox.get((team, id))
        return taken.told[-1] if taken else None

    def listen(self, team: str, id: UUID, heard: Heard) -> Callable[[], None]:
        """Whatever is told goes there too, until what is returned is called."""
        listeners = self._listeners.setdefault((team, id), [])
        listeners.append(heard)
        return lambda: listeners.remove(heard)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Called for each change that is told."""
        self._watchers.append(watcher)

    def forget(self, count: int) -> None:
        """The stream of changes no longer keeps its oldest ones."""
        del self.stream[:count]
        self.first += count

    def make_anew(self) -> None:
        """The stream of changes was lost and made again: every cursor is of another one."""
        self.first = self.last + 1
        self.stream.clear()
        self.created = str(uuid4())

    @property
    def last(self) -> int:
        return self.first + len(self.stream) - 1

    def _take(self, team: str, command: AccessCommand, published_at: datetime) -> None:
        known = self._inbox.get((team, command.id))
        if known is None:
            taken = Taken(team, command, len(self._inbox) + 1, published_at)
            self._inbox[team, command.id] = taken
            self._tell(taken, "accepted")
            self._overtake(taken)
        elif known.command.fingerprint() != command.fingerprint():
            stranger = replace(known, command=command, told=[])
            self._hear(stranger, _told(stranger, "refused", -1, self.clock(), reason=_REUSED))

    def _overtake(self, newest: Taken) -> None:
        """Those that wait for the same and are older are pointless now."""
        text = f"Command {newest.command.id} is about the same principal and target and is newer."
        for taken in self._inbox.values():
            both_act = not (taken.command.dry_run or newest.command.dry_run)
            if taken is not newest and both_act and taken.intent == newest.intent and not taken.ended:
                self._tell(taken, "superseded", reason=Reason(code="superseded", text=text))

    def _carry_out(self, taken: Taken) -> None:
        command, now = taken.command, self.clock()
        deadline = command.deadline(taken.published_at)
        if deadline is not None and now > deadline:
            text = f"It was valid until {deadline.isoformat()}, and could not begin before."
            return self._tell(taken, "expired", reason=Reason(code="expired", text=text))
        observed = Evidence(held=taken.intent in self.held, at=now, operation=_READ)
        if command.dry_run:
            return self._plan(taken, observed)
        if observed.held == _wants(command):
            return self._tell(taken, _word(command, "already"), observed=observed, revision=self.revision)
        if (refusal := self._refusal(command)) is not None:
            return self._tell(taken, "refused", reason=refusal, observed=observed)
        if (parking := self._parking(command)) is not None:
            return None if taken.told[-1].state == "parked" else self._tell(taken, "parked", reason=parking)
        return self._write(taken)

    def _write(self, taken: Taken) -> None:
        command = taken.command
        self.writes.append(command)
        (self.held.add if _wants(command) else self.held.discard)(taken.intent)
        self.revision += 1
        self._change(command)
        observed = Evidence(held=_wants(command), at=self.clock(), operation=_READ)
        request_ids = [str(uuid4())]
        word = _word(command, "done")
        self._tell(taken, word, observed=observed, request_ids=request_ids, revision=self.revision)

    def _plan(self, taken: Taken, observed: Evidence) -> None:
        command = taken.command
        reason = self._refusal(command) or self._parking(command)
        if reason is None and observed.held == _wants(command):
            reason = Reason(code="nothing_to_do", text="It is so already.")
        calls = [
            PlannedCall(operation=each, account=command.account, role=None, writes=each is _WRITE)
            for each in (_READ, _WRITE, _READ)
        ]
        self._tell(taken, "planned", observed=observed, plan=calls, reason=reason)

    def _refusal(self, command: AccessCommand) -> Reason | None:
        for which, ref in (("principal", command.principal), ("target", command.target)):
            if ref in self.missing:
                return Reason(code=f"unknown_{which}", text=f"AWS knows no {ref}.")
        if command.account in self.suspended and _wants(command):
            return Reason(code="account_inactive", text=f"AWS has suspended account {command.account}.")
        return None

    def _parking(self, command: AccessCommand) -> Reason | None:
        if command.account in self.suspended:
            return Reason(code="account_inactive", text=f"AWS has suspended account {command.account}.")
        return None

    def _tell(self, taken: Taken, state: str, **more: Any) -> None:
        told = _told(taken, state, len(taken.told), self.clock(), **more)
        taken.told.append(told)
        self._hear(taken, told)

    def _hear(self, taken: Taken, told: CommandTold) -> None:
        for heard in self._listeners.get((taken.team, taken.command.id), ()):
            heard.put_nowait(told)

    def _change(self, command: AccessCommand) -> None:
        kind = RelationAdded if _wants(command) else RelationRemoved
        source, target = command.principal, command.target
        if command.relation is RelationKind.ATTACHED:
            source, target = target, source
        change = kind(
            revision=self.revision,
            n=0,
            at=self.clock(),
            connector=command.connector,
            account=command.account,
            scope=_scope(command),
            cause=f"command {command.id}",
            kind=command.relation,
            source=source.native_id,
            source_kind=source.kind,
            target=target.native_id,
            target_kind=target.kind,
        )
        self.stream.append(Stored(self.last + 1, f"ob:1:{self.revision}:0", change.type(), change.encode()))
        for watcher in self._watchers:
            watcher()


def _told(taken: Taken, state: str, n: int, at: datetime, **more: Any) -> CommandTold:
    command = taken.command
    return BY_STATE[state](
        command=command.id,
        n=n,
        team=taken.team,
        connector=command.connector,
        account=command.account,
        verb=command.verb(),
        fingerprint=command.fingerprint(),
        principal=command.principal,
        target=command.target,
        requester=command.requester,
        at=at,
        **more,
    )


def _wants(command: AccessCommand) -> bool:
    return command.verb() == "grant"


def _word(command: AccessCommand, how: str) -> str:
    words = {"done": ("granted", "revoked"), "already": ("already_held", "already_gone")}
    return words[how][0 if _wants(command) else 1]


def _scope(command: AccessCommand) -> str:
    account = AccountId(command.account)
    if command.relation is RelationKind.ASSIGNED:
        return assignments_scope(account)
    return directory_memberships_scope("d-0") if command.target.kind is Kind.IDENTITY_GROUP else iam_scope(account)
