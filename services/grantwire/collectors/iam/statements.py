"""A trust policy's statements as values, with what each says about assuming the role. Pure."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from grantwire.collectors.iam.principals import ANYONE, Principal, principals
from grantwire.contracts.text import canonical, storable

ASSUME: Final = frozenset({"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"})
_KNOWN: Final = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that speaks of assuming the role. ``acts`` are the assume actions it is about."""

    raw: Mapping[str, Any]
    named: tuple[Principal, ...]
    acts: frozenset[str]

    @property
    def allows(self) -> bool:
        """True where it may allow: an effect that is neither Allow nor Deny may do both."""
        return self.raw.get("Effect") != "Deny"

    @property
    def denies(self) -> bool:
        return self.raw.get("Effect") != "Allow"

    @property
    def everyone_but(self) -> bool:
        return "NotPrincipal" in self.raw

    @property
    def conditional(self) -> bool:
        return bool(self.raw.get("Condition"))

    @property
    def certain(self) -> bool:
        """Whether it is plain what the statement does to those it matches."""
        odd = self.everyone_but or "NotAction" in self.raw or not _KNOWN.issuperset(self.raw)
        readable = isinstance(self.raw.get("Condition", {}), dict)
        return not odd and readable and self.raw.get("Effect") in ("Allow", "Deny")

    def matches(self, principal: Principal) -> bool:
        """It names the principal, everybody, or the principal's account; with ``NotPrincipal`` it may mean anybody."""
        if self.everyone_but:
            return True
        return any(
            named.key == principal.key
            or named.native_id == ANYONE
            or (named.names_an_account and named.native_id == principal.belongs_to)
            for named in self.named
        )

    def shown(self) -> dict[str, Any]:
        """The statement as a relation keeps it."""
        sid, conditions = self.raw.get("Sid"), self.raw.get("Condition")
        shown = {
            "sid": sid if isinstance(sid, str) else None,
            "effect": _text(self.raw.get("Effect")),
            "actions": [] if "NotAction" in self.raw else sorted(_texts(self.raw.get("Action"))),
            "conditions": conditions if isinstance(conditions, dict) else {},
        }
        if "NotAction" in self.raw:
            shown["not_actions"] = sorted(_texts(self.raw["NotAction"]))
        if self.everyone_but:
            shown["not_principals"] = self.raw["NotPrincipal"]
        return shown


def statements(document: Any, inside: Set[str]) -> list[Statement]:
    """The statements that speak of assuming the role. A document that is not a policy has none."""
    found = document.get("Statement") if isinstance(document, dict) else None
    candidates = found if isinstance(found, list) else [found]
    read = (_statement(raw, inside) for raw in candidates if isinstance(raw, dict))
    return [statement for statement in read if statement.acts]


def ordered(found: list[Statement]) -> list[dict[str, Any]]:
    """The statements as shown, in the one order that does not depend on how the policy was written."""
    if len(found) == 1:
        return [found[0].shown()]
    return sorted((statement.shown() for statement in found), key=lambda shown: canonical(storable(shown)))


def _statement(raw: Mapping[str, Any], inside: Set[str]) -> Statement:
    return Statement(raw, tuple(principals(raw.get("Principal"), inside)), _acts(raw))


def _acts(raw: Mapping[str, Any]) -> frozenset[str]:
    if "NotAction" in raw:
        return ASSUME - _matched(raw["NotAction"])
    return _matched(raw.get("Action"))


def _matched(patterns: Any) -> frozenset[str]:
    found = [text.lower() for text in _texts(patterns)]
    return frozenset(action for action in ASSUME if any(fits(pattern, action.lower()) for pattern in found))


@lru_cache(maxsize=4096)
def fits(pattern: str, text: str) -> bool:
    """Whether ``*`` (any run) and ``?`` (any one character) make the pattern the text.

    Not a regular expression: one of many stars would take for ever, and whoever writes a policy could stop the reader.
    """
    here, there = 0, 0
    star, resume = -1, 0
    while there < len(text):
        if here < len(pattern) and pattern[here] == "*":
            star, resume, here = here, there, here + 1
        elif here < len(pattern) and pattern[here] in ("?", text[there]):
            here, there = here + 1, there + 1
        elif star >= 0:
            resume += 1
            here, there = star + 1, resume
        else:
            return False
    return not pattern[here:].strip("*")


def _texts(value: Any) -> Iterator[str]:
    yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(storable(value))
