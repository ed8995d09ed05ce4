"""The effect of a chain of relations, and the rules of who may knock at a role. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, cast

Effect: TypeAlias = Literal["allow", "conditional", "unknown", "denied"]

_STRENGTH: Final[Mapping[str, int]] = {"denied": 0, "unknown": 1, "conditional": 2, "allow": 3}
DEPTH: Final = 8  # assume-role steps in a row; AWS has no limit, people have
OWN_POLICIES: Final = "only if the principal's own policies allow sts:AssumeRole"
CUT: Final = f"chains longer than {DEPTH} steps were not followed"


def effect_of(attributes: Mapping[str, Any]) -> Effect:
    """The effect of one relation: memberships and the like always hold."""
    said = attributes.get("effect", "allow")
    return cast(Effect, said) if said in _STRENGTH else "unknown"


def weakest(effects: Iterable[Effect]) -> Effect:
    """A chain is as good as its weakest step; an empty one holds."""
    return min(effects, key=_STRENGTH.__getitem__, default="allow")


def better(one: Effect, other: Effect) -> bool:
    return _STRENGTH[one] > _STRENGTH[other]


def conditions_of(attributes: Mapping[str, Any]) -> list[Any]:
    """The conditions of the statements behind a relation, those of Deny statements included."""
    statements = attributes.get("statements") or []
    return [
        {"effect": item.get("effect"), "sid": item.get("sid"), "conditions": item["conditions"]}
        for item in statements
        if isinstance(item, dict) and item.get("conditions")
    ]
