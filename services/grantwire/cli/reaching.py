"""The rows of `can` and `who-can`: what is reached, or who reaches it, and how. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from grantwire.cli.words import conditions, name_of

Answer: TypeAlias = Mapping[str, Any]
Pair: TypeAlias = Mapping[str, Any]
ById: TypeAlias = Mapping[str, Pair]
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
    several = len({path[end].get("account") for path in answer["paths"]} - {None}) > 1
    if end == "target":
        shown = [path for path in answer["paths"] if not _told_by_its_pair(path)]
        shown.sort(key=lambda path: path[end]["kind"] != _PAIR)
        return [_there(path, by_id, several=several) for path in shown]
    return [row for path in answer["paths"] for row in _back(path, answer["subject"], by_id, several=several)]


def _told_by_its_pair(path: Mapping[str, Any]) -> bool:
    return path["via"][-1]["relation"] in ("realized_as", "provisioned_to")


def _there(path: Mapping[str, Any], by_id: ById, *, several: bool) -> Row:
    node, via = path["target"], path["via"]
    words = [_hop(step["relation"], name_of(step["node"]), step) for step in via]
    if via[-1]["relation"] == "assigned":
        words[-1] = "assigned"  # the row begins with what
    pair = by_id.get(node["native_id"], {})
    acting = f"as role {pair['role_name']}" if pair.get("role_name") else ""
    return _end(node, several=several), *_rest(node, " → ".join(words), path, acting)


def _back(path: Mapping[str, Any], subject: Mapping[str, Any], by_id: ById, *, several: bool) -> Iterator[Row]:
    """A row for each permission set in an account that the end is assigned itself; one for a member of a group, whose
    row names them all."""
    node, pairs = path["source"], [by_id[each] for each in path.get("provisioned", ()) if each in by_id]
    apart = [[pair] for pair in pairs] if path["via"][-1]["relation"] == "assigned" else [pairs]
    for some in apart or [[]]:
        yield _end(node, several=several), *_rest(node, _way_back(path["via"], subject, some), path)


def _way_back(via: Sequence[Mapping[str, Any]], subject: Mapping[str, Any], pairs: Sequence[Pair]) -> str:
    """The steps in the direction in which they are taken: ``via`` leads away from the subject."""
    stops = [subject, *(step["node"] for step in via)]
    hops = reversed(list(zip(via, stops, strict=False)))
    words = [(step, _some(pairs) if step["relation"] == "assigned" and pairs else name_of(to)) for step, to in hops]
    return " → ".join(_hop(step["relation"], name, step) for step, name in words if step["relation"] not in _SILENT)


def _some(pairs: Sequence[Pair]) -> str:
    """`Admin in prod (1), dev (2) and 3 more`; `Admin, ReadOnly in prod (1)`; else each with its account."""
    sets = dict.fromkeys(pair["permission_set_name"] for pair in pairs)
    places = dict.fromkeys(_place(pair) for pair in pairs)
    if len(sets) == 1 or len(places) == 1:
        return f"{_few(list(sets))} in {_few(list(places))}"
    return _few([pair["display"] for pair in pairs])


def _place(pair: Pair) -> str:
    return f"{pair['account_name']} ({pair['account']})" if pair["account_name"] else str(pair["account"])


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {rest:,} more" if rest > 0 else "")


def _hop(relation: str, name: str, step: Mapping[str, Any]) -> str:
    through = f" (through {name_of(step['through'])})" if step.get("through") else ""
    return f"{_WORDS.get(relation, relation)} {name}{through}"


def _end(node: Mapping[str, Any], *, several: bool) -> str:
    """Where an answer spans accounts, roles and users of one name are told apart by theirs."""
    apart = several and str(node["kind"]).startswith("iam_") and node.get("account")
    return f"{name_of(node)} ({node['account']})" if apart else name_of(node)


def _rest(node: Mapping[str, Any], how: str, path: Mapping[str, Any], acting: str = "") -> tuple[str, str, str, str]:
    notes = filter(None, (acting, conditions(path["conditions"]), path["note"]))
    return _KINDS.get(node["kind"], node["kind"]), how, path["effect"], "; ".join(notes)
