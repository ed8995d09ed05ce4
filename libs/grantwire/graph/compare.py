"""From "which rows differ" to "what happened": renames, recreations, attributes that were merely not read. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from grantwire.contracts.resources import Relation
from grantwire.graph.coverage import Coverage, Kept
from grantwire.graph.delta import Delta, Differences
from grantwire.graph.renames import Identities, is_another, recognise
from grantwire.graph.rows import Content, Edge, EdgeKey, Node, Row, edge_of


class Comparison:
    """One snapshot against what is stored. ``kept`` fills while comparing."""

    def __init__(self, content: Content, coverage: Coverage, tenant: int) -> None:
        self._content = content
        self._coverage = coverage
        self._tenant = tenant
        self.kept = Kept()
        self.identities = Identities()

    def nodes(self, found: Differences[Node]) -> Delta[Node]:
        """What happened to the resources. Sets ``identities``, which the relations need."""
        found = Differences(found.added, found.changed, self._really_gone(found.gone))
        who = self.identities = recognise(found)
        arrived, left = set(who.renamed.values()), who.renamed.keys()
        before = {**found.gone, **{key: found.changed[key][0] for key in who.replaced}}
        after = {**found.added, **{key: found.changed[key][1] for key in who.replaced}}
        return Delta(
            removed=[row for key, row in before.items() if key not in left],
            renamed=[(before[old], self._carried(before[old], after[new])) for old, new in who.renamed.items()],
            added=[row for key, row in after.items() if key not in arrived],
            changed=self._changed(pair for pair in found.changed.values() if not is_another(*pair)),
        )

    def edges(self, found: Differences[Edge], touched: Mapping[EdgeKey, Edge]) -> Delta[Edge]:
        """What happened to the relations. ``touched`` are all stored ones that name an id of ``identities.touched``."""
        ids = self.identities.touched

        def plain(key: EdgeKey) -> bool:
            return key[0] not in ids and key[2] not in ids

        gone = {key: row for key, row in found.gone.items() if plain(key)}
        delta = Delta(
            removed=list(self._really_gone(gone).values()),
            added=[row for key, row in found.added.items() if plain(key)],
            changed=self._changed(pair for key, pair in found.changed.items() if plain(key)),
        )
        if ids:
            self._follow(delta, touched, {key: row for key, row in self._content.edges.items() if not plain(key)})
        return delta

    def _follow(self, delta: Delta[Edge], stored: Mapping[EdgeKey, Edge], new: dict[EdgeKey, Edge]) -> None:
        """Relations of what was renamed or recreated go with the thing, not with its name."""
        taken: set[EdgeKey] = set()
        # Those that stay where they are go first: a renamed one may arrive at the same place.
        for old in sorted(stored.values(), key=lambda row: self.identities.moved(row.key) != row.key):
            place = self.identities.moved(old.key)
            if place is None or place in taken:
                delta.removed.append(old)
                continue
            match = new.get(place) or self._unread_here(old, place)
            if match is None:
                delta.removed.append(old)
                continue
            match = self._carried(old, match)
            if place != old.key and match.attributes != old.attributes:
                delta.removed.append(old)
                continue
            taken.add(place)
            if place != old.key:
                delta.renamed.append((old, match))
            elif match.attributes != old.attributes:
                delta.changed.append((old, match))
        delta.added += [row for key, row in new.items() if key not in taken]

    def _unread_here(self, old: Edge, place: EdgeKey) -> Edge | None:
        """A relation of a kind that this snapshot does not hold completely, at its place after the renames."""
        if self._coverage.whole(old):
            return None
        self.kept.note(old)
        if place == old.key:
            return old
        source, target = self._content.nodes.get(place[0]), self._content.nodes.get(place[2])
        return edge_of(
            Relation(
                old.kind,
                source.native_id if source else old.source,
                old.source_kind,
                target.native_id if target else old.target,
                old.target_kind,
                old.attributes,
            ),
            self._tenant,
        )

    def _really_gone(self, gone: Mapping[Any, Row]) -> dict[Any, Row]:
        for row in gone.values():
            if not self._coverage.whole(row):
                self.kept.note(row)
        return {key: row for key, row in gone.items() if self._coverage.whole(row)}

    def _changed(self, pairs: Iterable[tuple[Row, Row]]) -> list[tuple[Row, Row]]:
        """The pairs that still differ once what was not read is taken from the old row."""
        carried = ((old, self._carried(old, new)) for old, new in pairs)
        return [(old, new) for old, new in carried if old.hash != new.hash]

    def _carried(self, old: Row, new: Row) -> Row:
        return self._coverage.carried(old, new, self._tenant, self.kept)
