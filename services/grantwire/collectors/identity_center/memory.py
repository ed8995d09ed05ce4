"""What one process remembers of Identity Center: the lists of the latest runs, who is no more, which instances were
seen. Nothing here is ever told as a scope's own facts."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from grantwire.aws.identity_center.shapes import PrincipalType
from grantwire.collectors.identity_center.answers import Principal
from grantwire.collectors.identity_center.naming import Naming
from grantwire.collectors.identity_center.plans import Sizes

MOST_LISTS: Final = 64  # of users or of groups, each of one run; the least recently used go first
MOST_DELETED: Final = 100_000  # principals remembered as deleted; likewise

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Listed:
    """The ids of all users or groups as one run knows them. ``since``: when the list was begun; who was assigned before
    that and is not on it is no more, unless the list was ``empty``: that tells of nobody whom AWS has just named.
    ``asking``: held by whoever asks AWS for more. ``wanted``: somebody waits for a list that is begun from now on."""

    ids: frozenset[str] = frozenset()
    since: float | None = None
    empty: bool = True
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, ids: Iterable[str], since: float) -> None:
        """A list from AWS; the newer of two counts. An empty one takes nobody away who was asked for one by one."""
        if self.since is None or since > self.since:
            found = frozenset(ids)
            self.ids, self.since, self.empty = found or self.ids, since, not found

    def after(self, moment: float) -> bool:
        """Whether the list was begun after a moment, so that it tells what was true then and is not now."""
        return not self.empty and self.since is not None and self.since >= moment


@dataclass(slots=True)
class Sighting:
    """Whether one run saw the instance that it reads. ``looking``: held by whoever looks."""

    seen: bool = False
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Memory:
    """One for each process. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, str, PrincipalType], Listed] = OrderedDict()
        self._deleted: OrderedDict[tuple[str, Principal], None] = OrderedDict()
        self._sizes: dict[tuple[str, PrincipalType], int] = {}
        self._sightings: OrderedDict[Hashable, Sighting] = OrderedDict()
        self._namings: OrderedDict[tuple[str, str], Naming] = OrderedDict()

    def listed(self, run: str, store: str, type_: PrincipalType) -> Listed:
        """The list of one run, to be used and filled in."""
        key = run, store, type_
        _use(self._lists, key, self._lists.get(key) or Listed(), MOST_LISTS)
        return self._lists[key]

    def took_stock(self, run: str, store: str, type_: PrincipalType, ids: Iterable[str], since: float) -> None:
        """AWS listed all users or all groups, from ``since`` on."""
        listed = self.listed(run, store, type_)
        listed.put(ids, since)
        self._sizes[store, type_] = len(listed.ids)

    def sizes(self, store: str) -> Sizes:
        """How large the directory was when it was last listed here."""
        return Sizes(self._sizes.get((store, "USER")), self._sizes.get((store, "GROUP")))

    def is_deleted(self, store: str, principal: Principal) -> bool:
        """Whether AWS said so once. It never gives an id a second time."""
        return (store, principal) in self._deleted

    def deleted(self, store: str, principals: Iterable[Principal]) -> None:
        """AWS says that these are no more."""
        for principal in principals:
            _use(self._deleted, (store, principal), None, MOST_DELETED)

    def sighting(self, what: Hashable) -> Sighting:
        """Of one instance by one run, to be looked at and filled in."""
        _use(self._sightings, what, self._sightings.get(what) or Sighting(), MOST_LISTS)
        return self._sightings[what]

    def naming(self, run: str, store: str) -> Naming:
        """Of the principals of one directory by one run's readings."""
        key = run, store
        _use(self._namings, key, self._namings.get(key) or Naming(), MOST_LISTS)
        return self._namings[key]


def _use(held: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """Hold it as the most recently used of at most so many."""
    held[key] = value
    held.move_to_end(key)
    if len(held) > most:
        held.popitem(last=False)
