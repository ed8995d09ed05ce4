"""Whether an export is the truth, line by line. Pure; it knows nothing of how either came about."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Key: TypeAlias = tuple[str, ...]
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Each difference as a sentence; none of them: equal."""

    resources: int
    relations: int
    differences: list[str]

    @property
    def equal(self) -> bool:
        return not self.differences


def compare(truth: Iterable[str], export: Iterable[str], unread: Collection[str]) -> Comparison:
    """Every id, name, attribute and relation of both, but for what the plan cannot read: an attribute as
    ``kind.attribute``, a kind by its name."""
    wanted, found = _rows(truth, unread), _rows(export, unread)
    said = [f"missing: {_told(key)}" for key in sorted(wanted.keys() - found.keys())]
    said += [f"invented: {_told(key)}" for key in sorted(found.keys() - wanted.keys())]
    for key in sorted(wanted.keys() & found.keys()):
        if fields := _fields(wanted[key], found[key]):
            said.append(f"different: {_told(key)}: {', '.join(fields)}")
    kinds = Counter(key[0] for key in found)
    return Comparison(kinds["resource"], kinds["relation"], said)


def _rows(lines: Iterable[str], unread: Collection[str]) -> dict[Key, Row]:
    rows = (json.loads(line) for line in lines if line)
    readable = [_readable(row, unread) for row in rows if not _hidden(row, unread)]
    named = {(row["source_kind"], row["source"]) for row in readable if row["type"] == "relation"}
    # Who is named by nothing that could be read was seen by nobody.
    return {_key(row): row for row in readable if _kept(row, named)}


def _hidden(row: Row, unread: Collection[str]) -> bool:
    return bool({row["kind"], row.get("source_kind"), row.get("target_kind")} & set(unread))


def _kept(row: Row, named: Collection[tuple[str, str]]) -> bool:
    outside = row["kind"] == "external_principal"
    return not outside or (row["kind"], row["native_id"]) in named


def _readable(row: Row, unread: Collection[str]) -> Row:
    known = {name: value for name, value in row["attributes"].items() if f"{row['kind']}.{name}" not in unread}
    return {**row, "attributes": known}


def _key(row: Row) -> Key:
    if row["type"] == "resource":
        return "resource", row["kind"], row["native_id"]
    return "relation", row["kind"], row["source_kind"], row["source"], row["target_kind"], row["target"]


def _told(key: Key) -> str:
    return f"{key[1]} {key[2]}" if key[0] == "resource" else f"{key[3]} {key[1]} {key[5]}"


def _fields(wanted: Row, found: Row) -> list[str]:
    said = [name for name in ("account", "name") if wanted.get(name) != found.get(name)]
    left, right = wanted["attributes"], found["attributes"]
    absent = object()
    return said + sorted(name for name in {*left, *right} if left.get(name, absent) != right.get(name, absent))
