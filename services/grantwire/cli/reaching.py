"""The rows of `can` and `who-can`: what is reached, or who reaches it, and how. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from grantwire.cli.words import conditions, name_of

Answer: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[str, str, str, str, str]
_PAIR: Final = "provisioned_permission_set"
_KINDS: Final = {_PAIR: "permission_set"}
_WORDS: Final = {
    "can_assume": "assume",
    "member_of": "member of",
    "assigned": "assigned",
    "realized_as": "as",
    "mirrors": "mirrors",
}
_SILENT: Final = ("provisioned_to", "instance_of")  # a permission set in an account names both
_FEW: Final = 3


def rows(answer: Answer, end: str) -> list[Row]:
    """End, kind, how, effect and what is said beside it.

    A permission set in an account is one row: the account that it opens, and the role that it acts as there, are said
    in it and get none of their own.
    """
    by_id = {each["native_id"]: each for each in answer.get("provisioned", ())}
    if end == "target":
        return [_there(path, by_id) for path in answer["paths"] if not _told_by_its_pair(path)]
    return [row for path in answer["paths"] for row in _back(path, answer["subject"], by_id)]


def _told_by_its_pair(path: Mapping[str, Any]) -> bool:
    return path["via"][-1]["relation"] in ("realized_as", "provisioned_to")


def _there(path: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Row:
    node, via = path["target"], path["via"]
    words = [_hop(step["relation"], name_of(step["node"]), step) for step in via]
    if via[-1]["relation"] == "assigned":
        words[-1] = "assigned"  # the row begins with what
    pair = by_id.get(node["native_id"], {})
    acting = f"as role {pair['role_name']}" if pair.get("role_name") else ""
    return _row(node, " → ".join(words), path, acting)


def _back(path: Mapping[str, Any], subject: Mapping[str, Any], by_id: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each permission set in an account that the end is assigned itself; one for a member of a group, whose
    row names them all."""
    names = [by_id[each]["display"] for each in path.get("provisioned", ()) if each in by_id]
    if path["via"][-1]["relation"] == "assigned" and len(names) > 1:
        for name in names:
            yield _row(path["source"], _way_back(path["via"], subject, [name]), path)
    else:
        yield _row(path["source"], _way_back(path["via"], subject, names), path)


def _way_back(via: Sequence[Mapping[str, Any]], subject: Mapping[str, Any], pairs: Sequence[str]) -> str:
    """The steps in the direction in which they are taken: ``via`` leads away from the subject."""
    stops = [subject, *(step["node"] for step in via)]
    hops = reversed(list(zip(via, stops, strict=False)))
    words = [(step, _some(pairs) if step["relation"] == "assigned" and pairs else name_of(to)) for step, to in hops]
    return " → ".join(_hop(step["relation"], name, step) for step, name in words if step["relation"] not in _SILENT)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {rest:,} more" if rest > 0 else "")


def _hop(relation: str, name: str, step: Mapping[str, Any]) -> str:
    through = f" (through {name_of(step['through'])})" if step.get("through") else ""
    return f"{_WORDS.get(relation, relation)} {name}{through}"


def _row(node: Mapping[str, Any], how: str, path: Mapping[str, Any], acting: str = "") -> Row:
    notes = filter(None, (acting, conditions(path["conditions"]), path["note"]))
    return name_of(node), _KINDS.get(node["kind"], node["kind"]), how, path["effect"], "; ".join(notes)
