"""Every list pages: AWS's defaults and maxima, key cursors bound to their operation, and the mess of real pages."""

from __future__ import annotations

import base64
import binascii
import bisect
import itertools
import json
import random
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from grantwire.sandbox.wire.requests import Invalid

DEFAULTS = {"organizations": 20}  # also the most, which the model holds it to
DEFAULT = 100  # IAM: MaxItems defaults to 100; the model itself holds it to 1..1000

Row = TypeVar("Row")
Key = Any


class Sorted(Generic[Row]):
    """Rows by key, readable in key order from any key on; the order is worked out at the first read after a write."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, tuple[Key, Row]] = {}
        self._order: list[tuple[Key, Hashable]] | None = None

    def put(self, identity: Hashable, key: Key, row: Row) -> None:
        """Set the row of `identity`, shown at the place of `key`."""
        if identity not in self._rows or self._rows[identity][0] != key:
            self._order = None
        self._rows[identity] = (key, row)

    def drop(self, identity: Hashable) -> None:
        """Remove the row of `identity`, if any."""
        if self._rows.pop(identity, None) is not None:
            self._order = None

    def get(self, identity: Hashable) -> Row | None:
        """The row of `identity`, or None."""
        found = self._rows.get(identity)
        return found[1] if found else None

    def after(self, cursor: Key | None) -> Iterator[tuple[Key, Row]]:
        """(key, row) in key order, of keys greater than `cursor`."""
        if self._order is None:
            self._order = sorted(((key, identity) for identity, (key, _) in self._rows.items()), key=lambda e: e[0])
        start = 0 if cursor is None else bisect.bisect_right(self._order, cursor, key=lambda entry: entry[0])
        for key, identity in itertools.islice(self._order, start, None):
            yield key, self._rows[identity][1]

    def rows(self) -> Iterator[Row]:
        """All rows in key order."""
        return (row for _, row in self.after(None))

    def __len__(self) -> int:
        return len(self._rows)


def in_order(rows: list[tuple[Key, Row]], cursor: Key | None) -> Iterator[tuple[Key, Row]]:
    """(key, row) of a short list, in key order after `cursor`."""
    return iter(sorted((pair for pair in rows if cursor is None or pair[0] > cursor), key=lambda pair: pair[0]))


@dataclass(frozen=True)
class Page:
    """What a list handler returns: rows after a cursor, and how one looks.

    With several result keys (GetAccountAuthorizationDetails) `show` returns (result key, row).
    """

    rows: Callable[[Key | None], Iterator[tuple[Key, Any]]]
    show: Callable[[Any], Any]
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Mess:
    """How untidy pages are: the share of short ones, and of empty ones that have a token nevertheless."""

    short: float = 0.0
    empty: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}:pages")  # noqa: S311  repeatable on purpose
        self._nonce = itertools.count(1)

    def limit(self, wanted: int) -> int:
        """How many rows this page will hold, at most `wanted`."""
        if self._random.random() < self.empty:
            return 0
        return int(wanted ** self._random.random()) if self._random.random() < self.short else wanted

    def nonce(self) -> int:
        """A number never given before: botocore refuses the same token twice, and AWS never sends it."""
        return next(self._nonce)


def paginate(
    operation: str, config: dict[str, Any], params: dict[str, Any], page: Page, mess: Mess, default: int = DEFAULT
) -> dict[str, Any]:
    """One page of `page`, by botocore's paginator description `config` of the operation."""
    token = params.get(config["input_token"])
    cursor = _decode(operation, token) if token else None
    keys: list[str] = config["result_key"] if isinstance(config["result_key"], list) else [config["result_key"]]
    wanted = params.get(config.get("limit_key", ""), default)
    limit, rows, last = mess.limit(wanted), page.rows(cursor), cursor
    answer: dict[str, Any] = {key: [] for key in keys} | page.extra
    for place, row in itertools.islice(rows, limit):
        shown, last = page.show(row), place
        key, value = shown if len(keys) > 1 else (keys[0], shown)
        answer[key].append(value)
    more = next(rows, None) is not None
    if "more_results" in config:
        answer[config["more_results"]] = more
    if more:
        answer[config["output_token"]] = _encode(operation, last, mess.nonce())
    return answer


def _encode(operation: str, key: Key | None, nonce: int) -> str:
    text = json.dumps([operation, nonce, key], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decode(operation: str, token: str) -> Key | None:
    try:
        made_for, _, key = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError) as error:
        raise Invalid("Invalid Marker.", "INVALID_NEXT_TOKEN") from error
    if made_for != operation:
        raise Invalid("Invalid Marker.", "INVALID_NEXT_TOKEN")
    return tuple(key) if isinstance(key, list) else key
