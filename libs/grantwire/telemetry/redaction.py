"""What must never be written: secrets, found by the name of their key or by their place in a URL."""

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

MASK = "***"

# Words are matched whole, so `tokenizer` and `secretary` stay readable while `scim_token` does not.
_SECRET_KEY = re.compile(
    r"(?i)(^|[_\-.\s])(pass|password|passwd|pwd|passphrase|secret|secrets|token|tokens|authorization|cookie"
    r"|credential|credentials|external[_-]?id|api[_-]?key|private[_-]?key|secret[_-]?key|secret[_-]?access[_-]?key)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Each begins with something fixed: a line may be long, and this runs over every one.
_URL_CREDENTIALS = re.compile(r"://(?P<user>[^\s/:@]*):[^\s/@]+@")
_USER_ONLY = re.compile(r"(?P<scheme>(?:nats|tls|wss?)://)[^\s/:@]+@")
_ASSIGNED = re.compile(
    r"(?i)(?P<key>password|passwd|secret|token|external[_-]?id|api[_-]?key|secret[_-]?access[_-]?key)"
    r"(?P<sep>[\"']?\s*[=:]\s*[\"']?)(?P<value>[^\s\"',;&)}]+)"
)
_BEARER = re.compile(r"(?i)\b(?P<kind>bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_DEPTH = 6  # deeper than any payload of ours; a cycle must not hang the logger


@lru_cache(maxsize=1_024)
def is_secret_key(key: str) -> bool:
    """Whether a field of this name holds a secret: `password`, `scim_token`, `externalId`, `Authorization`."""
    return bool(_SECRET_KEY.search(_CAMEL.sub("_", key)))


def mask_text(text: str) -> str:
    """`text` with credentials in URLs, `password=...` pairs and bearer tokens replaced by `***`."""
    if "://" in text:
        text = _USER_ONLY.sub(rf"\g<scheme>{MASK}@", _URL_CREDENTIALS.sub(rf"://\g<user>:{MASK}@", text))
    if " " in text:
        text = _BEARER.sub(rf"\g<kind> {MASK}", text)
    if ":" in text or "=" in text:
        text = _ASSIGNED.sub(rf"\g<key>\g<sep>{MASK}", text)
    return text


def mask(value: Any, depth: int = _DEPTH) -> Any:
    """A copy of `value` fit for a log line. What is nested too deep is left out rather than trusted."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return _mask_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item, depth - 1) for item in value] if depth else "..."
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value))


def _mask_mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if not depth:
        return "..."
    return {key: MASK if _hide(str(key), item) else mask(item, depth - 1) for key, item in value.items()}


def _hide(key: str, value: Any) -> bool:
    # `sync_secrets: true` is a setting, and an absent secret is worth seeing
    return bool(value) and not isinstance(value, bool) and is_secret_key(key)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: masks every field of a log line, its text and its traceback included."""
    for key, value in event.items():
        if not key.startswith("_"):  # structlog's own fields, dropped before rendering
            event[key] = MASK if _hide(key, value) else mask(value)
    return event
