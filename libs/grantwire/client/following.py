"""Changes from a cursor on: read from their stream, in its order; what is heard live only says when to look."""

from collections import OrderedDict, deque
from typing import Final, NamedTuple

from grantwire.client.cursors import Bounds, Place, place_of, require_kept
from grantwire.client.waiting import Pace
from grantwire.client.wire import Page, Stored, Wire
from grantwire.contracts.changes import CHANGES, Change
from grantwire.contracts.failures import DependencyDown

_BY_TYPE: Final = {each.type(): each for each in CHANGES}
_REMEMBERED: Final = 10_000  # message ids: the stream itself keeps one of each for two hours
_SOON: Final = 0.02  # seconds
_RETRY: Final = 1.0


class Followed(NamedTuple):
    """A change, and the cursor to go on from once it was dealt with."""

    cursor: str
    change: Change


class Changes:
    """``async for cursor, change in …``: it never ends. ``cursor`` None: from now on.

    Iterating raises ``Invalid`` for a cursor that is none, and ``CursorLost`` where changes after it are not kept any
    more. While the bus is away it waits.
    """

    def __init__(self, wire: Wire, pace: Pace, cursor: str | None) -> None:
        self._wire = wire
        self._pace = pace
        self._place = place_of(cursor) if cursor is not None else None
        self._page: deque[Stored] = deque()
        self._behind = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._checked = False
        self._pause = _SOON
        self.looks = 0  # answers of the stream so far: it grows while nothing happens, too

    @property
    def cursor(self) -> str | None:
        """After the last change that was given; None before the first look."""
        return self._place.text() if self._place else None

    @property
    def lag(self) -> int:
        """How many changes are there that were not given yet, as of the last look."""
        return len(self._page) + self._behind

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> Followed:
        while True:
            while not self._page:
                await self._look()
            stored = self._page.popleft()
            place = self._advance(stored)
            if self._first_time(stored.id):
                return Followed(place.text(), _change(stored))

    async def _look(self) -> None:
        """One page, or a rest where there is none."""
        mark = self._wire.mark()
        try:
            place = await self._begun()
            page = await self._wire.page(place.sequence)
            await self._require_gapless(place, page)
        except DependencyDown:
            self._checked = False
            await self._wire.rest(_RETRY)
            return
        self.looks += 1
        self._page.extend(page.changes)
        self._behind = page.behind
        if not page.changes:
            await self._idle(mark)

    async def _idle(self, mark: int) -> None:
        """After a change was heard it is looked for soon, and again: its stream may not have it yet."""
        woken = await self._wire.changed(mark, self._pause)
        self._pause = _SOON if woken else min(self._pause * 2, self._pace.idle)
        self._checked = woken  # the stream may have been made anew, and would look as empty

    async def _begun(self) -> Place:
        if self._place is None:
            self._place = end_of(await self._wire.bounds())
        elif not self._checked:
            require_kept(self._place, await self._wire.bounds())
        self._checked = True
        return self._place

    async def _require_gapless(self, place: Place, page: Page) -> None:
        """The stream loses nothing but its oldest: what is missing between two changes was too old to keep."""
        if page.changes and page.changes[0].sequence != place.sequence + 1:
            require_kept(place, await self._wire.bounds())

    def _advance(self, stored: Stored) -> Place:
        assert self._place is not None
        self._place = Place(self._place.created, stored.sequence)
        return self._place

    def _first_time(self, id: str) -> bool:
        if id in self._seen:
            return False
        self._seen[id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


def end_of(bounds: Bounds) -> Place:
    """After the last change that there is."""
    return Place(bounds.created, bounds.last)


def _change(stored: Stored) -> Change:
    """One of a type that this version does not know yet has at least what all have in common."""
    return _BY_TYPE.get(stored.type, Change).parse(stored.body)
