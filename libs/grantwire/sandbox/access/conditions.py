"""The Condition element of a policy: the operators the sandbox knows, and a loud refusal of the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from grantwire.sandbox.wire.services import Unsupported
from grantwire.sandbox.world import texts

Context = Mapping[str, str]


@cache
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(re.escape(wanted).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def like(wanted: str, value: str) -> bool:
    """IAM's wildcards: `*` is any run of characters, `?` is one."""
    return _pattern(wanted).fullmatch(value) is not None


def _arn_like(wanted: str, value: str) -> bool:
    # Each of the six parts of an ARN is compared by itself; a wildcard does not reach over a colon.
    wants, has = wanted.split(":", 5), value.split(":", 5)
    return len(wants) == len(has) and all(like(want, part) for want, part in zip(wants, has, strict=True))


_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}
_NEGATIVE = {
    name.replace("Equals", "NotEquals").replace("Like", "NotLike"): test
    for name, test in _POSITIVE.items()
    if name != "Bool"
}


def holds(condition: Mapping[str, Any], context: Context) -> bool:
    """Whether every operator of the Condition holds. Raises `Unsupported` for an operator the sandbox does not know."""
    lowered = {key.lower(): value for key, value in context.items()}
    return all(_operator(name, keys, lowered) for name, keys in condition.items())


def _operator(name: str, keys: Mapping[str, Any], context: Context) -> bool:
    if name == "Null":
        return all((key.lower() not in context) == (str(want).lower() == "true") for key, want in keys.items())
    plain, if_exists = name.removesuffix("IfExists"), name.endswith("IfExists")
    if plain not in _POSITIVE and plain not in _NEGATIVE:
        raise Unsupported(f"condition operator {name}")
    return all(_test(plain, if_exists, wanted, context.get(key.lower())) for key, wanted in keys.items())


def _test(name: str, if_exists: bool, wanted: Any, value: str | None) -> bool:
    negative = name in _NEGATIVE
    if value is None:  # a missing key fails a positive operator and passes a negated one
        return if_exists or negative
    test = _NEGATIVE[name] if negative else _POSITIVE[name]
    wants = [str(wanted).lower()] if isinstance(wanted, bool) else texts(wanted)
    return any(test(want, value) for want in wants) != negative
