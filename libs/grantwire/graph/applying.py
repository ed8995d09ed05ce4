"""The content of a complete snapshot into its scope."""

from dataclasses import dataclass

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.contracts.snapshots import Reason
from grantwire.graph import finishing, holding, publishing, scopes
from grantwire.graph.compare import Comparison
from grantwire.graph.coverage import Coverage, Kept
from grantwire.graph.delta import Changes
from grantwire.graph.facets import around
from grantwire.graph.finishing import Applied
from grantwire.graph.removals import Held, hold_back
from grantwire.graph.rows import Content, Edge, Node
from grantwire.graph.statements import apply as sql
from grantwire.graph.stored import counts, edge_differences, edges_of, node_differences
from grantwire.graph.work import Work
from grantwire.graph.writing import Writer


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written, and why the rows may not be exactly what the snapshot says."""

    applied: Applied
    rows: int  # how many more the scope has than before
    kept: Kept
    held: Held | None
    refused: list[Node | Edge]

    @property
    def exact(self) -> bool:
        return not (self.kept or self.held or self.refused)


async def apply_content(work: Work, content: Content) -> Applied:
    """Compare, write, tell. The first load of a scope skips the comparison and tells one message."""
    apply_id = await work.connection.fetchval(sql.NEXT_APPLY)
    writer = Writer(work.connection, work.scope.id, apply_id, work.scope.at)
    if work.scope.loaded_at is None:
        written = await _load(work, writer, content)
    else:
        written = await _change(work, writer, content)
    await holding.note(work.connection, work.scope, written.held)
    result = await _result(work, written)
    await scopes.applied(work.connection, work.scope, work.seal, result)
    await _vouch(work, content.rows_digest() if written.exact else None)
    return await finishing.finished(work.connection, work.seal, written.applied, result.reason)


async def _vouch(work: Work, rows_digest: str | None) -> None:
    """Note what the rows add up to: a digest of the body cannot be computed again from them."""
    if rows_digest != work.scope.rows_digest:
        await work.connection.execute(sql.VOUCH, TENANT, work.scope.id, rows_digest)


async def _load(work: Work, writer: Writer, content: Content) -> _Written:
    refused: list[Node | Edge] = [*await writer.insert_nodes(content.nodes.values())]
    refused += await writer.insert_edges(content.edges.values())
    missing = {row.key for row in refused}
    nodes = {key: row for key, row in content.nodes.items() if key not in missing}
    edges = {key: row for key, row in content.edges.items() if key not in missing}
    rows = sum(row.kind is not Kind.FACET for row in nodes.values()) + len(edges)
    message = work.teller.loaded(Content(nodes, edges, []))
    applied = Applied("applied", None, rows, 0, 0, len(refused))
    applied = await publishing.publish(work, writer.apply_id, applied, [message])
    return _Written(applied, rows, Kept(), None, refused)


async def _change(work: Work, writer: Writer, content: Content) -> _Written:
    changes, kept, held = await _compare(work, content)
    waiting = held.rows if held else 0
    refused = await writer.write(changes)
    entries = list(work.teller.changes(changes, await around(work.connection, changes)))
    if not entries:
        return _Written(Applied("applied", conflicts=len(refused), held=waiting), changes.growth, kept, held, refused)
    await publishing.log(work, writer.apply_id, entries)
    told = (changes.inserted, changes.changed, changes.removed)
    applied = Applied("applied", None, *told, len(refused), held=waiting)
    applied = await publishing.publish(work, writer.apply_id, applied, [entry.change for entry in entries])
    return _Written(applied, changes.growth, kept, held, refused)


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
    return changes, comparison.kept, hold_back(changes, {**resources, **relations}, scope.allowed_set)


async def _result(work: Work, written: _Written) -> scopes.Result:
    reasons = []
    if written.held:
        reasons.append(Reason(code="held", text=written.held.sentence()))
    if written.refused:
        reasons.append(Reason(code="conflict", text=await scopes.conflict(work.connection, written.refused)))
    if written.kept:
        reasons.append(Reason(code="kept", text=written.kept.sentence(work.seal.plan)))
    return scopes.Result(
        state="held" if written.held else "stale" if reasons else "complete",
        reason=Reason(code=reasons[0].code, text=" ".join(reason.text for reason in reasons)) if reasons else None,
        digest=work.seal.digest if written.exact else None,
        rows=written.rows,
        conflicts=len(written.refused),
        held=written.held,
        revision=written.applied.revision,
    )
