"""The oracle: is an export the truth? It imports the standard library alone, and nothing that it judges.

Both sides are JSON lines in the public export's form. What a plan could not read is named in ``unread`` and left out on
both sides: an attribute as ``kind.attribute``, a resource kind or a relation kind by its name.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, ...]
Row = dict[str, Any]


DERIVED = {"realized_as", "mirrors"}  # no snapshot brings them
_OF_THE_SOURCE = {"bounded_by", "provisioned_to", "instance_of", *DERIVED}  # other relations are read with their target
_OWNERS = {
    "identity_user": "directory_users/",
    "identity_group": "directory_groups/",
    "membership": "directory_memberships/",
    "scim_user": "scim/",
}


@dataclass
class Verdict:
    """What differs. Empty lists mean equal."""

    missing: list[Key] = field(default_factory=list)
    invented: list[Key] = field(default_factory=list)
    different: list[tuple[Key, str, Any, Any]] = field(default_factory=list)  # key, field, truth, export
    repeated: list[Key] = field(default_factory=list)
    unsorted: bool = False

    @property
    def equal(self) -> bool:
        return not (self.missing or self.invented or self.different or self.repeated or self.unsorted)

    def __str__(self) -> str:
        parts = [
            f"{len(self.missing)} missing {self.missing[:3]}",
            f"{len(self.invented)} invented {self.invented[:3]}",
        ]
        parts += [f"{len(self.different)} different {self.different[:3]}", f"repeated {self.repeated[:3]}"]
        return "; ".join(parts) + ("; not sorted" if self.unsorted else "")


def judge(truth: Iterable[str], export: Iterable[str], unread: Iterable[str] = ()) -> Verdict:
    """Compare every id, attribute and relation of both, but for what is named unread."""
    hidden = set(unread)
    export = list(export)
    verdict = Verdict()
    wanted, got = _rows(truth, hidden, Verdict()), _rows(export, hidden, verdict)
    verdict.missing = sorted(wanted.keys() - got.keys())
    verdict.invented = sorted(got.keys() - wanted.keys())
    for key in sorted(wanted.keys() & got.keys()):
        verdict.different += [(key, name, want, have) for name, want, have in _differences(wanted[key], got[key])]
    verdict.unsorted = export != sorted(export)
    return verdict


def _rows(lines: Iterable[str], hidden: set[str], verdict: Verdict) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for line in lines:
        row = json.loads(line)
        if row["kind"] in hidden or _ends_hidden(row, hidden):
            continue
        key = _key(row)
        if key in rows:
            verdict.repeated.append(key)
        rows[key] = _visible(row, hidden)
    return _named(rows, hidden)


def _key(row: Row) -> Key:
    if row["type"] == "resource":
        return ("resource", row["kind"], row["native_id"])
    return ("relation", row["kind"], row["source_kind"], row["source"], row["target_kind"], row["target"])


def _ends_hidden(row: Row, hidden: set[str]) -> bool:
    return row["type"] == "relation" and bool({row["source_kind"], row["target_kind"]} & hidden)


def _visible(row: Row, hidden: set[str]) -> Row:
    seen = {name: value for name, value in row["attributes"].items() if f"{row['kind']}.{name}" not in hidden}
    return {**row, "attributes": seen}


def _named(rows: dict[Key, Row], hidden: set[str]) -> dict[Key, Row]:
    """Without what exists by its mention alone and only a hidden relation named: nobody could have seen it."""
    ends = [(row["source"], row["target"]) for row in rows.values() if row["type"] == "relation"]
    named = {name for pair in ends for name in pair}
    return {
        key: row
        for key, row in rows.items()
        if row["type"] == "relation" or row["native_id"] in named or not _mention_alone(row, hidden)
    }


def _mention_alone(row: Row, hidden: set[str]) -> bool:
    """External principals; and AWS's own policies, of which nothing is left out where no relation is hidden."""
    aws_owned = row["kind"] == "iam_policy" and row["native_id"].split(":")[4] == "aws"
    return bool(row["kind"] == "external_principal" or (aws_owned and hidden))


def _differences(want: Row, have: Row) -> Iterable[tuple[str, Any, Any]]:
    for name in sorted((want.keys() | have.keys()) - {"attributes"}):
        if want.get(name) != have.get(name):
            yield name, want.get(name), have.get(name)
    for name in sorted(want["attributes"].keys() | have["attributes"].keys()):
        absent = object()
        left, right = want["attributes"].get(name, absent), have["attributes"].get(name, absent)
        if left is absent or right is absent or left != right or type(left) is not type(right):
            yield f"attributes.{name}", _shown(left, absent), _shown(right, absent)


def _shown(value: Any, absent: object) -> Any:
    return "(absent)" if value is absent else value


def keys(export: Iterable[str]) -> set[Key]:
    """The ids of an export that changes speak of: what is merely mentioned comes and goes with its relations."""
    rows = (json.loads(line) for line in export)
    return {_key(row) for row in rows if row["type"] == "relation" or _owned(row)}


@dataclass
class Told:
    """What a subscriber makes of the changes, strictly: nothing is added twice, nothing absent is changed or removed.

    ``retired`` keeps what each retired scope held, for the day it returns.
    """

    now: set[Key]
    retired: dict[str, set[Key]] = field(default_factory=dict)

    def hear(self, change: dict[str, Any]) -> None:
        """One more change."""
        what, _, verb = change["type"].partition(".")
        if what == "scope":
            self._scope(change, verb)
        else:
            self._row(_subject(change), _former(change), verb)

    def load(self, change: dict[str, Any], export: Iterable[str]) -> None:
        """A scope was read for the first time: its rows are looked up once, in the export, and counted. Derived
        relations are not: of these, each is told."""
        rows = {key for key in keys(export) if _within(key, change["scope"]) and key[1] not in DERIVED}
        assert not rows & self.now, f"loaded, but known already: {change['scope']}"
        _counted(change, rows)
        self.now |= rows

    def _row(self, key: Key, was: Key, verb: str) -> None:
        match verb:
            case "added":
                assert key not in self.now, f"added twice: {key}"
                self.now.add(key)
            case "removed":
                assert key in self.now, f"removed but absent: {key}"
                self.now.remove(key)
            case "changed":
                assert key in self.now, f"changed but absent: {key}"
            case "renamed":
                assert was in self.now, f"renamed but absent: {was}"
                assert key not in self.now, f"renamed to what is there: {key}"
                self.now.remove(was)
                self.now.add(key)
            case other:
                raise AssertionError(f"a change of the unknown type {other}")

    def _scope(self, change: dict[str, Any], verb: str) -> None:
        scope = change["scope"]
        match verb:
            case "retired":
                assert scope not in self.retired, f"retired twice: {scope}"
                gone = {key for key in self.now if _within(key, scope)}
                _counted(change, gone)
                self.retired[scope] = gone
                self.now -= gone
            case "returned":
                assert scope in self.retired, f"returned but not retired: {scope}"
                back = self.retired.pop(scope)
                _counted(change, back)
                assert not back & self.now, f"returned although it is there: {scope}"
                self.now |= back
            case other:
                raise AssertionError(f"a change of the unknown type scope.{other}")


def fold(before: set[Key], changes: Iterable[dict[str, Any]]) -> set[Key]:
    """What the changes make of the keys."""
    told = Told(set(before))
    for change in changes:
        told.hear(change)
    return told.now


def _within(key: Key, scope: str) -> bool:
    """Whether a row is of a scope."""
    owner = _owner(key)
    return owner == scope or (owner.endswith("/") and scope.startswith(owner))


def _owner(key: Key) -> str:
    """The scope whose snapshot brings a row, or how its key begins. An account's IAM brings what its principals hold
    and whom its roles trust; of a permission set in an account and of a user in SCIM, all is of their scope."""
    kind, holder = _holder(key)
    if kind == "provisioned_permission_set":
        return f"assignments/{holder.partition('/')[0]}"
    if kind in _OWNERS:
        return _OWNERS[kind]
    if ":sso:::permissionSet/" in holder:
        return "permission_sets/"
    parts = holder.split(":")
    return f"iam/{parts[4]}" if len(parts) > 5 and parts[2] == "iam" else "organization/"


def _holder(key: Key) -> tuple[str, str]:
    """The resource with which a row is read: kind and native id."""
    if key[0] == "resource":
        return key[1], key[2]
    if key[1] == "member_of" and key[2] == "identity_user":
        return "membership", ""
    return (key[2], key[3]) if key[1] in _OF_THE_SOURCE else (key[4], key[5])


def _counted(change: dict[str, Any], moved: set[Key]) -> None:
    """A scope's change says how much comes or goes with it, by kind."""
    for told, type_ in (("resources", "resource"), ("relations", "relation")):
        found = Counter(key[1] for key in moved if key[0] == type_)
        assert change[told] == dict(found), f"{change['type']} of {change['scope']} says {change[told]}, not {found}"


def check_order(found: list[dict[str, Any]]) -> None:
    """No change missing, doubled or out of order: revisions rise, and within each ``n`` counts from 0."""
    places = [(change["revision"], change["n"]) for change in found]
    assert places == sorted(set(places)), "changes are doubled or out of order"
    assert len({change["id"] for change in found}) == len(found)
    for revision in {revision for revision, _ in places}:
        numbers = [n for at, n in places if at == revision]
        assert numbers == list(range(len(numbers))), f"revision {revision} lacks a change: {numbers}"


def _owned(row: Row) -> bool:
    """An organization owns its accounts; an account that is only seen from inside is an id and nothing more."""
    shared = row["kind"] == "external_principal" or ":iam::aws:policy/" in row["native_id"]
    return not shared and not (row["kind"] == "account" and not row["attributes"])


def _subject(change: dict[str, Any]) -> Key:
    if change["type"].startswith("resource."):
        return ("resource", change["kind"], change["native_id"])
    return _relation(change, change["source"], change["target"])


def _former(change: dict[str, Any]) -> Key:
    if change["type"].startswith("resource."):
        return ("resource", change["kind"], change.get("previous_native_id", ""))
    return _relation(change, change.get("previous_source", ""), change.get("previous_target", ""))


def _relation(change: dict[str, Any], source: str, target: str) -> Key:
    return ("relation", change["kind"], change["source_kind"], source, change["target_kind"], target)
