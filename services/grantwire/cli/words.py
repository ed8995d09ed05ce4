"""Times, conditions and freshness in words. Pure: what it is now is an argument."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_OPERATORS: Final = {
    "stringequals": "is",
    "stringnotequals": "is not",
    "stringequalsignorecase": "is (in any case)",
    "stringnotequalsignorecase": "is not (in any case)",
    "stringlike": "is like",
    "stringnotlike": "is not like",
    "arnequals": "is",
    "arnnotequals": "is not",
    "arnlike": "is like",
    "arnnotlike": "is not like",
    "bool": "is",
    "ipaddress": "is in",
    "notipaddress": "is not in",
    "numericequals": "is",
    "numericlessthan": "is less than",
    "numericlessthanequals": "is at most",
    "numericgreaterthan": "is more than",
    "numericgreaterthanequals": "is at least",
    "datelessthan": "is before",
    "datelessthanequals": "is at the latest",
    "dategreaterthan": "is after",
    "dategreaterthanequals": "is at the earliest",
}
_KEYS: Final = {
    "sts:externalid": "the external id",
    "aws:multifactorauthpresent": "MFA was used",
    "aws:sourceip": "the caller's address",
    "aws:principalorgid": "the caller's organization",
    "aws:principalarn": "the caller's ARN",
}


def age(seconds: float) -> str:
    """`12 s`, `4 min`, `3 h`, `2 d`: whole units, rounded down."""
    for size, name in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{max(0, int(seconds))} s"


def freshness(scope: Mapping[str, Any], now: datetime) -> str:
    """`iam/123456789012 complete · 12 s ago`, and what is wrong where something is."""
    parts = [f"{scope['scope']} {scope['state']}", *([scope["name"]] if scope.get("name") else [])]
    observed = moment(scope.get("observed_at"))
    parts.append(f"{age((now - observed).total_seconds())} ago" if observed else "never read")
    due = moment(scope.get("due_at"))
    if scope.get("overdue"):
        parts.append(f"overdue since {age((now - due).total_seconds())}" if due else "overdue")
    if reason := reason_text(scope.get("reason")):
        parts.append(reason)
    return " · ".join(parts)


def counted(count: int, thing: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def losses(found: Mapping[str, Mapping[str, int]]) -> str:
    """`30 of 100 iam_user, 10 of 10 member_of`: what is gone of what was there, by kind."""
    return ", ".join(f"{loss['lost']} of {loss['before']} {kind}" for kind, loss in sorted(found.items()))


def last_run(run: Mapping[str, Any] | None, now: datetime) -> str:
    """`complete · 12 s ago · 7 calls · 1.2 s`, counted from when it was asked for."""
    if run is None:
        return "never"
    asked = datetime.fromisoformat(run["requested_at"])
    parts = [run["state"], f"{age((now - asked).total_seconds())} ago", f"{run['calls']} calls"]
    return " · ".join(parts if run["seconds"] is None else [*parts, f"{run['seconds']:.1f} s"])


def run_line(run: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """When, cause, state, accounts, calls, throttled and seconds of a run of the history."""
    asked = datetime.fromisoformat(run["requested_at"])
    seconds = "" if run["seconds"] is None else f"{run['seconds']:.1f}"
    ago = f"{age((now - asked).total_seconds())} ago"
    calls, throttled = f"{run['calls']:,}", f"{run['throttled']:,}"
    return run["run"], run["connector"], ago, run["cause"], run["state"], parts(run["parts"]), calls, throttled, seconds


def parts(found: Mapping[str, int]) -> str:
    """`9 ok, 1 stale, 2 unreachable`: the scopes of a run, or the accounts of a connector, by how they are."""
    words = {"complete": "ok", "unchanged": "ok", "requested": "waiting", "published": "being read"}
    counts: dict[str, int] = {}
    for state, count in found.items():
        counts[words.get(state, state)] = counts.get(words.get(state, state), 0) + count
    order = ("ok", "overdue", "stale", "held", "failed", "unreachable", "being read", "waiting", "new", "retired")
    return ", ".join(f"{counts[word]:,} {word}" for word in order if counts.get(word)) or "none"


def end_of(text: str) -> datetime:
    """The moment that `2026-12-31` (the end of that day, UTC) or an ISO 8601 time names. Raises ``ValueError``."""
    if len(text) == len("2026-12-31"):
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def reason_text(reason: Any) -> str:
    """A reason as one line, however it came."""
    if isinstance(reason, Mapping):
        return str(reason.get("text") or reason.get("code") or "")
    return str(reason or "")


def cause_and_step(reason: str) -> tuple[str, str]:
    """A reason's two halves: what happened, and what a person does about it ("" where it does not say)."""
    cause, _, step = reason.partition("; next: ")
    return cause, step


def name_of(node: Mapping[str, Any]) -> str:
    return str(node.get("display") or node.get("name") or node["native_id"])


def account_name(part: Mapping[str, Any]) -> str:
    """The name of the account that a part of a run reads, where it is known; an organization has none."""
    return "" if str(part["scope"]).startswith("organization/") else str(part.get("name") or "")


def calls_of(scope: Mapping[str, Any]) -> int:
    """How many AWS calls a scope took so far."""
    calls = scope.get("calls") or {}
    return sum(calls.values()) if isinstance(calls, Mapping) else int(calls)


def clock(at: str) -> str:
    """When something was, as a log says it: `2026-11-29 09:12:44`, UTC."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(str(value)) if value else None


def conditions(found: Any) -> str:
    """Conditions of a policy statement, or those of several, as people say them."""
    if isinstance(found, Mapping) and "conditions" in found:
        words = conditions(found["conditions"])
        return f"denied when {words}" if str(found.get("effect")).lower() == "deny" else words
    if isinstance(found, Mapping):
        return " and ".join(_condition(operator, tests) for operator, tests in found.items())
    if isinstance(found, list | tuple):
        texts = dict.fromkeys(text for text in map(conditions, found) if text)
        return "; or ".join(texts).replace("; or denied when ", "; denied when ")
    return str(found or "")


def _condition(operator: str, tests: Any) -> str:
    if not isinstance(tests, Mapping):
        return f"{operator} {tests}"
    return " and ".join(_test(operator, key, value) for key, value in tests.items())


def _test(operator: str, key: str, value: Any) -> str:
    quantifier, _, name = operator.rpartition(":")
    plain = name.lower().removesuffix("ifexists")
    subject = _KEYS.get(key.lower(), key)
    if plain == "null":
        return f"{subject} is {'absent' if _is_true(value) else 'present'}"
    if plain == "bool" and subject == "MFA was used":
        return subject if _is_true(value) else "MFA was not used"
    ending = f" ({quantifier})" if quantifier else ""
    missing = ", if it is known" if name.lower().endswith("ifexists") else ""
    return f"{subject} {_OPERATORS.get(plain, operator)} {_values(value)}{ending}{missing}"


def _is_true(value: Any) -> bool:
    return str(next(iter(value), "") if isinstance(value, list) else value).lower() == "true"


def _values(value: Any) -> str:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return " or ".join(str(each) for each in values)
