"""What an answer rests on, in a few lines however many scopes there are. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from grantwire.cli.words import age, counted, freshness, moment

Scope: TypeAlias = Mapping[str, Any]
_FEW: Final = 3  # scopes that are all named
_MANY: Final = 20  # lines for those that are not well
WELL, ILL = "dim", "yellow"


def is_well(scope: Scope) -> bool:
    return bool(scope["state"] == "complete" and not scope["overdue"])


def lines(scopes: Sequence[Scope], now: datetime) -> list[tuple[str, str]]:
    """Lines and their styles: every scope while they are few, else those that are not well and the rest as a number."""
    if len(scopes) <= _FEW:
        return [(freshness(scope, now), WELL if is_well(scope) else ILL) for scope in scopes]
    ill = [scope for scope in scopes if not is_well(scope)]
    found = [(freshness(scope, now), ILL) for scope in ill[:_MANY]]
    if len(ill) > _MANY:
        found.append((f"and {len(ill) - _MANY:,} more that are not well; --json names them all", ILL))
    if well := [scope for scope in scopes if is_well(scope)]:
        found.append((f"{counted(len(well), 'scope')} complete · {ages(well, now)}", WELL))
    return found


def ages(scopes: Sequence[Scope], now: datetime) -> str:
    """`4 min ago`, or of several that differ `12 s to 4 min ago`; nothing where none was ever read."""
    times = [time for scope in scopes if (time := moment(scope.get("observed_at")))]
    words = [age((now - time).total_seconds()) for time in (max(times), min(times))] if times else []
    return f"{' to '.join(dict.fromkeys(words))} ago" if words else ""
