"""The content of a complete snapshot into its scope."""

import asyncio
from dataclasses import dataclass, replace

from grantwire.contracts.changes import Change
from grantwire.contracts.ids import TENANT
from grantwire.contracts.snapshots import Reason
from grantwire.graph import fencing, finishing, following, holding, publishing, scopes
from grantwire.graph.changes import Entry
from grantwire.graph.compare import Comparison
from grantwire.graph.coverage import Coverage, Kept
from grantwire.graph.delta import Changes, Delta
from grantwire.graph.enriching import enriched
from grantwire.graph.facets import around
from grantwire.graph.fences import Amended
from grantwire.graph.finishing import Applied
from grantwire.graph.publishing import Cause
from grantwire.graph.removals import Held, hold_back
from grantwire.graph.rows import Content, Edge, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.stored import attached_counts, counts, edge_differences, edges_of, node_differences, nodes_of
from grantwire.graph.work import Work
from grantwire.graph.writing import Writer


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written, and why the rows may not be exactly what the snapshot says."""

    changes: Changes
    kept: Kept
    held: Held | None
    refused: list[Node | Edge]
    ended: bool = False  # the snapshot has users that the directory no longer has
    fenced: bool = False  # commands changed parts that the snapshot does not know, or contradicts too early
    loaded: bool = False

    @property
    def exact(self) -> bool:
        return not (self.kept or self.held or self.refused or self.ended or self.fenced)


async def apply_content(work: Work, content: Content) -> Applied:
    """Compare, write, tell. The first load of a scope skips the comparison and tells one message."""
    known = await following.without_ended(work.connection, work.seal, content)
    read = await _enriched(work, known) if work.seal.adds_only else known
    minded = await fencing.minded(work, read)
    current = minded.content
    apply_id = await work.connection.fetchval(sql.NEXT_APPLY)
    writer = Writer(work.connection, work.scope.id, apply_id, work.scope.at)
    written = await (_load if work.scope.loaded_at is None else _change)(work, writer, current)
    written = replace(written, ended=known is not content, fenced=bool(minded.late or minded.disputes))
    await holding.note(work.connection, work.scope, written.held)
    applied = await _tell(work, apply_id, written)
    result = await _result(work, written, minded, applied)
    await scopes.applied(work.connection, work.scope, work.seal, result)
    await _vouch(work, current.rows_digest() if written.exact else None)
    await fencing.settle(work, minded.disputes)
    return await finishing.finished(work.connection, work.seal, applied, result.reason)


async def _enriched(work: Work, content: Content) -> Content:
    stored = await nodes_of(work.connection, work.scope.id)
    return await asyncio.to_thread(enriched, content, stored, work.seal.read_began_at, TENANT)


async def _vouch(work: Work, rows_digest: str | None) -> None:
    """Note what the rows add up to: a digest of the body cannot be computed again from them."""
    if rows_digest != work.scope.rows_digest:
        await work.connection.execute(sql.VOUCH, TENANT, work.scope.id, rows_digest)


async def _load(work: Work, writer: Writer, content: Content) -> _Written:
    refused: list[Node | Edge] = [*await writer.insert_nodes(content.nodes.values())]
    refused += await writer.insert_edges(content.edges.values())
    missing = {row.key for row in refused}
    nodes = Delta(added=[row for key, row in content.nodes.items() if key not in missing])
    edges = Delta(added=[row for key, row in content.edges.items() if key not in missing])
    return _Written(Changes(nodes, edges), Kept(), None, refused, loaded=True)


async def _change(work: Work, writer: Writer, content: Content) -> _Written:
    changes, kept, held = await _compare(work, content)
    await following.lock_for(work.connection, changes)
    refused = await writer.write(changes)
    return _Written(changes, kept, held, refused)


async def _tell(work: Work, apply_id: int, written: _Written) -> Applied:
    """The messages of the scope, and those of the relations that follow from it."""
    changes, conflicts = written.changes, len(written.refused)
    entries, messages = await _messages(work, written)
    followed = await following.follow(work.connection, changes, apply_id, len(messages))
    applied = Applied("applied", conflicts=conflicts, held=written.held.rows if written.held else 0)
    if messages:
        applied = replace(applied, inserted=changes.inserted, changed=changes.changed, removed=changes.removed)
    if not (messages or followed.entries):
        return applied
    counts = (applied.inserted, applied.changed, applied.removed, applied.conflicts)
    cause = Cause(apply_id, work.scope.id, work.seal.snapshot, counts, work.scope.at, work.traceparent)
    told = [*messages, *followed.messages]
    revision = await publishing.tell(work.connection, cause, [*entries, *followed.entries], told)
    await following.note(work.connection, followed, revision)
    return replace(applied, revision=revision, messages=len(told))


async def _messages(work: Work, written: _Written) -> tuple[list[Entry], list[Change]]:
    """A first load is told in one message, which the change log does not have."""
    changes = written.changes
    if written.loaded:
        return [], [work.teller.loaded(changes)]
    entries = list(work.teller.changes(changes, await around(work.connection, changes)))
    return entries, [entry.change for entry in entries]


async def _compare(work: Work, content: Content) -> tuple[Changes, Kept, Held | None]:
    connection, scope = work.connection, work.scope
    comparison = Comparison(content, Coverage.of(work.seal), TENANT)
    nodes = comparison.nodes(await node_differences(connection, scope.id, content))
    touched = comparison.identities.touched
    moving = await edges_of(connection, scope.id, touched) if touched else {}
    changes = Changes(nodes, comparison.edges(await edge_differences(connection, scope.id, content), moving))
    if not (changes.nodes.removed or changes.edges.removed):
        return changes, comparison.kept, None
    resources, relations = await counts(connection, scope.id)
    before = {**resources, **relations, **await attached_counts(connection, scope.id)}
    return changes, comparison.kept, hold_back(changes, before, scope.allowed_set)


async def _result(work: Work, written: _Written, minded: Amended, applied: Applied) -> scopes.Result:
    reasons = []
    if written.held:
        reasons.append(Reason(code="held", text=written.held.sentence()))
    if minded.disputes:
        reasons.append(Reason(code="disputed", text=minded.sentence()))
    if written.refused:
        reasons.append(Reason(code="conflict", text=await scopes.conflict(work.connection, written.refused)))
    if written.kept:
        reasons.append(Reason(code="kept", text=written.kept.sentence(work.seal.plan)))
    return scopes.Result(
        state="held" if written.held else "stale" if reasons else "complete",
        reason=Reason(code=reasons[0].code, text=" ".join(reason.text for reason in reasons)) if reasons else None,
        digest=work.seal.digest if written.exact else None,
        rows=written.changes.growth,
        conflicts=len(written.refused),
        held=written.held,
        revision=applied.revision,
        resync=bool(minded.disputes) or minded.overlaps(work.seal.last_read),
    )
