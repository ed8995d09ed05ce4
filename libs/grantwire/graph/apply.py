"""A sealed snapshot into the graph: one transaction per scope, so nothing is ever half applied.

The order of seals is their fence, never a clock. What a complete snapshot lacks is removed, unless its kind was not
covered or the removal guard holds it; what a failed reading lacks stays.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from grantwire.contracts import chunks as body
from grantwire.contracts.failures import Transient
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Body, Outcome, SnapshotSealed
from grantwire.graph import fencing, finishing, following, scopes
from grantwire.graph.applying import apply_content
from grantwire.graph.finishing import Applied
from grantwire.graph.outages import repeated
from grantwire.graph.pool import Graph
from grantwire.graph.rows import Content, Named, content_of
from grantwire.graph.statements import apply as sql
from grantwire.graph.work import Work
from grantwire.graph.writing import mention

__all__ = ["Applied", "apply_seal", "chunks_gone"]

_IN_THREAD: Final = 4  # chunks; more than this takes long enough to starve a heartbeat


async def apply_seal(
    graph: Graph, seal: SnapshotSealed, chunks: list[bytes] | None, *, traceparent: str | None
) -> Applied:
    """Apply one seal; safe to repeat and in any order.

    ``chunks`` are given exactly when the seal says ``body: chunks``. Raises ``Malformed`` for rows that cannot be read,
    ``Transient`` when the chunks are not those that were sealed, ``DependencyDown`` when Postgres cannot be reached.
    """
    content = await _read(seal, chunks)
    if content is not None and content.named:
        await repeated(lambda: _mention(graph, content.named))

    return await _under_lock(graph, seal, traceparent, lambda work: _apply(work, content))


async def chunks_gone(graph: Graph, seal: SnapshotSealed, *, traceparent: str | None) -> Applied:
    """Note that the stream no longer gives back what was sealed, and ask for the whole content once. Rows stay."""
    return await _under_lock(graph, seal, traceparent, _gone)


async def _under_lock(
    graph: Graph, seal: SnapshotSealed, traceparent: str | None, act: Callable[[Work], Awaitable[Applied]]
) -> Applied:
    """Act under the scope's lock, unless the seal comes too late or nothing of its scope counts."""

    async def work() -> Applied:
        async with graph.transaction() as connection:
            await connection.execute(sql.LOCK, TENANT, seal.scope)
            await following.lock_with(connection, seal)
            if await connection.fetchval(sql.IS_PURGED, TENANT, finishing.uuid_of(seal.run), seal.scope):
                return Applied("retired")
            work = Work(connection, seal, await scopes.under_lock(connection, seal), traceparent)
            return await _passed_over(work) or await act(work)

    return await repeated(work)


async def _read(seal: SnapshotSealed, chunks: list[bytes] | None) -> Content | None:
    if seal.outcome is not Outcome.COMPLETE or seal.body is not Body.CHUNKS:
        return None
    given = chunks or []
    if len(given) <= _IN_THREAD:
        return _verified(seal, given)
    return await asyncio.to_thread(_verified, seal, given)


def _verified(seal: SnapshotSealed, chunks: list[bytes]) -> Content:
    if len(chunks) != seal.chunks or (seal.digest is not None and body.digest(chunks, seal.plan) != seal.digest):
        raise Transient(
            f"The {len(chunks)} chunks of snapshot {seal.snapshot} of {seal.scope} are not the "
            f"{seal.chunks} that were sealed."
        )
    return content_of(body.decode(chunks), TENANT)


async def _mention(graph: Graph, named: list[Named]) -> None:
    async with graph.transaction() as connection:
        await mention(connection, named)


async def _passed_over(work: Work) -> Applied | None:
    connection, seal, scope = work.connection, work.seal, work.scope
    if seal.fence <= scope.began:
        await finishing.older(connection, seal)
        return Applied("older")
    if scope.retired_at is not None:
        return await finishing.retired(connection, seal, scope.retired_at, scope.retired_why or "")
    if seal.fence < scope.missed_patch and seal.outcome is Outcome.COMPLETE:
        await scopes.ask_again(connection, scope)
        await finishing.ask_again(connection, seal, work.traceparent, finishing.BEFORE_A_PATCH)
        return Applied("resync")
    return None


async def _apply(work: Work, content: Content | None) -> Applied:
    seal, scope = work.seal, work.scope
    if seal.outcome is not Outcome.COMPLETE:
        await scopes.incomplete(work.connection, scope, seal)
        await finishing.incomplete(work.connection, seal)
        return Applied("stale")
    if content is not None:
        return await apply_content(work, content)
    if scope.digest is None or scope.digest != seal.digest:
        await scopes.ask_again(work.connection, scope)
        await finishing.ask_again(work.connection, seal, work.traceparent)
        return Applied("resync")
    await scopes.unchanged(work.connection, scope, seal)
    await fencing.settle(work)
    return await finishing.finished(work.connection, seal, Applied("unchanged"))


async def _gone(work: Work) -> Applied:
    seal = work.seal.model_copy(update={"outcome": Outcome.STALE, "reason": finishing.CHUNKS_GONE})
    await scopes.incomplete(work.connection, work.scope, seal)
    if work.scope.resync:  # asked for before, and lost again: the next run by the timetable tries anew
        await finishing.incomplete(work.connection, seal)
        return Applied("stale")
    await scopes.ask_again(work.connection, work.scope)
    await finishing.ask_again(work.connection, seal, work.traceparent, finishing.CHUNKS_GONE)
    return Applied("resync")
