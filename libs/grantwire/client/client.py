"""Grant, revoke, wait, follow: what another team does with Grantwire, whichever bus is behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypedDict, Unpack
from uuid import UUID, uuid4

from grantwire.client.errors import StillRunning
from grantwire.client.following import Changes, end_of
from grantwire.client.naming import command_of
from grantwire.client.waiting import Pace, Waiting, sent
from grantwire.client.wire import Wire
from grantwire.contracts.commands import AccessCommand, Ref, Verb
from grantwire.contracts.failures import Invalid, NotFound
from grantwire.contracts.outcomes import (
    AccessGone,
    AccessGranted,
    AccessHeld,
    AccessRevoked,
    CommandExpired,
    CommandFailed,
    CommandPlanned,
    CommandRefused,
    CommandSuperseded,
    CommandTold,
)

Outcome: TypeAlias = (
    AccessGranted
    | AccessHeld
    | AccessRevoked
    | AccessGone
    | CommandPlanned
    | CommandRefused
    | CommandFailed
    | CommandSuperseded
    | CommandExpired
)
Progress: TypeAlias = Callable[[CommandTold], None]
_NOT_SENT: Final = ("id", "timeout", "progress")


class Options(TypedDict, total=False):
    """What ``grant`` and ``revoke`` may be told besides.

    ``account``: for groups of the directory the connector's own; else it follows from the names. ``unique_id``: the
    principal's, so that another of its name is refused. ``valid_until``: not begun later; a grant without it within an
    hour. ``dry_run``: the plan, and nothing else. ``id``: chosen by the caller, who can then send the same command
    again after a crash. ``timeout``: seconds, 60 unless given. ``progress``: called with whatever is told.
    """

    account: str | None
    unique_id: str | None
    valid_until: datetime | None
    dry_run: bool
    id: UUID | str | None
    timeout: float
    progress: Progress | None


class Client:
    """Use it as a context manager. ``async with`` raises ``DependencyDown`` when the bus does not let it in."""

    def __init__(self, wire: Wire, pace: Pace | None = None) -> None:
        self._wire = wire
        self._pace = pace or Pace()

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def grant(
        self,
        principal: Ref | str,
        target: Ref | str,
        *,
        connector: str,
        reason: str,
        requester: str,
        **options: Unpack[Options],
    ) -> Outcome:
        """Give the principal the target, and wait for what became of it.

        Both are a ``Ref`` or ``kind:native_id`` as the graph names them. Raises ``Invalid`` before anything is sent,
        ``StillRunning`` after ``timeout`` seconds.
        """
        asked = {"connector": connector, "reason": reason, "requester": requester}
        return await self._ask_for("grant", principal, target, asked, options)

    async def revoke(
        self,
        principal: Ref | str,
        target: Ref | str,
        *,
        connector: str,
        reason: str,
        requester: str,
        **options: Unpack[Options],
    ) -> Outcome:
        """Take the target from the principal, and wait for what became of it. As ``grant``."""
        asked = {"connector": connector, "reason": reason, "requester": requester}
        return await self._ask_for("revoke", principal, target, asked, options)

    async def carry_out(
        self, command: AccessCommand, *, timeout: float = 60.0, progress: Progress | None = None, known: bool = True
    ) -> Outcome:
        """Send a command until it was taken, and wait for its outcome. ``known``: it may have been sent before. Raises
        ``StillRunning``."""
        return await self._outcome(Waiting(self._wire, self._pace, command.id, command, known), timeout, progress)

    async def send(self, command: AccessCommand, *, timeout: float = 10.0) -> None:
        """Only until the bus has it. Raises ``DependencyDown``: sent again, it is still carried out once."""
        await sent(self._wire, command, timeout, self._pace)

    async def outcome(self, id: UUID | str, *, timeout: float = 60.0, progress: Progress | None = None) -> Outcome:
        """Wait for a command of this team that was sent before, by whomever. Raises ``StillRunning``, or ``NotFound``
        where nobody has heard of it in that time."""
        waiting = Waiting(self._wire, self._pace, _uuid(id))
        try:
            return await self._outcome(waiting, timeout, progress)
        except StillRunning as running:
            if running.last is None:
                raise NotFound(
                    f"Nobody has heard of command {running.command} of this team within {timeout:g} s; next: compare "
                    "the id with the one that was sent, or send the command."
                ) from None
            raise

    async def follow(self, id: UUID | str) -> AsyncIterator[CommandTold]:
        """What is told of a command that was sent before, up to its outcome; begins with the last that was told."""
        async with aclosing(Waiting(self._wire, self._pace, _uuid(id)).told()) as told:
            async for each in told:
                yield each

    def changes(self, cursor: str | None = None) -> Changes:
        """``async for cursor, change in …``: the changes after a cursor, in order, each once; then those to come.

        Keep each cursor once its change was dealt with. None: from now on.
        """
        return Changes(self._wire, self._pace, cursor)

    async def cursor(self) -> str:
        """After all changes that there are: take it before reading a baseline, and follow from it. Raises
        ``DependencyDown``."""
        return end_of(await self._wire.bounds()).text()

    async def _ask_for(
        self, verb: Verb, principal: Ref | str, target: Ref | str, asked: dict[str, str], options: Options
    ) -> Outcome:
        given = options.get("id")
        fields: dict[str, Any] = {name: value for name, value in options.items() if name not in _NOT_SENT}
        command = command_of(verb, principal, target, id=_uuid(given or uuid4()), **asked, **fields)
        timeout, progress = options.get("timeout", 60.0), options.get("progress")
        return await self.carry_out(command, timeout=timeout, progress=progress, known=given is not None)

    async def _outcome(self, waiting: Waiting, timeout: float, progress: Progress | None) -> Outcome:
        try:
            async with asyncio.timeout(timeout), aclosing(waiting.told()) as told:
                async for each in told:
                    if progress is not None:
                        progress(each)
                    if isinstance(each, Outcome):
                        return each
        except TimeoutError:
            pass
        raise StillRunning(waiting.id, waiting.story.last, stored=waiting.stored, seconds=timeout)


def _uuid(id: UUID | str) -> UUID:
    """Raises ``Invalid``."""
    if isinstance(id, UUID):
        return id
    try:
        return UUID(id)
    except ValueError:
        raise Invalid(f"{id!r} is not the id of a command: those are UUIDs.", "id") from None
