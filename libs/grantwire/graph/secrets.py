"""The secrets in a connector's settings, sealed one by one as they are stored. Pure.

A sealed secret is ``{"sealed": token, "key": id}``. The token holds, encrypted, whose it is as well: moved to another
field or connector it does not open. A secret of an earlier version of Grantwire may still stand there in clear.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from grantwire.contracts.connectors import SECRET_FIELDS, Connector
from grantwire.contracts.failures import SecretKeyError
from grantwire.contracts.ids import TENANT
from grantwire.graph.keys import NEXT_STEP, Keys

Settings: TypeAlias = dict[str, Any]
SEALED: Final = "sealed"
_PATTERNS: Final = tuple(tuple(field.split(".")) for field in SECRET_FIELDS)


def seal(keys: Keys, connector: str, settings: Settings) -> Settings:
    """The settings to be stored: no secret in clear. What is sealed already stays as it is. Raises ``SecretKeyError``
    when there is a secret and no key."""
    return replaced(settings, lambda field, value: value if is_sealed(value) else sealed(keys, connector, field, value))


def unseal(keys: Keys, connector: str, settings: Settings) -> Connector:
    """The settings as they were given. Raises ``SecretKeyError`` naming the connector and the field."""
    return Connector.model_validate(
        replaced(settings, lambda field, value: opened(keys, connector, field, value) if is_sealed(value) else value)
    )


def without(settings: Settings) -> Connector:
    """The settings for everybody who needs no secret, whatever the key: every secret is None."""
    return Connector.model_validate(replaced(settings, lambda _field, _value: None))


def secret_fields(settings: Settings) -> dict[str, Any]:
    """The secrets that are set, as they are stored, by their path."""
    found: dict[str, Any] = {}
    replaced(settings, found.setdefault)
    return found


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and SEALED in value


def sealed(keys: Keys, connector: str, field: str, value: str) -> dict[str, str]:
    """One secret as it is stored. Raises ``SecretKeyError`` when there is no key."""
    if not keys:
        raise SecretKeyError(
            f"The {field} of connector {connector!r} cannot be kept: secrets are stored encrypted only, and no key was "
            f"given. {NEXT_STEP}"
        )
    return {SEALED: keys.encrypt(_bound(connector, field) | {"value": value}), "key": keys.first}


def opened(keys: Keys, connector: str, field: str, stored: Mapping[str, str]) -> str:
    """The secret in its stored form. Raises ``SecretKeyError``."""
    found = keys.decrypt(str(stored[SEALED]))
    if found is None:
        raise SecretKeyError(f"The {field} of connector {connector!r} cannot be read: {_why(keys, stored)}")
    value = found.pop("value", "")
    if found != _bound(connector, field):
        raise SecretKeyError(
            f"The {field} of connector {connector!r} cannot be read: what is stored there was encrypted for another "
            "field or connector. Save the connector again, with its secrets."
        )
    return value


def replaced(settings: Settings, change: Callable[[str, Any], Any]) -> Settings:
    """A copy in which every secret that is set is what ``change`` makes of its path and its stored form."""
    for pattern in _PATTERNS:
        settings = _replaced(settings, pattern, change)
    return settings


def _replaced(value: Any, pattern: Sequence[str], change: Callable[[str, Any], Any], at: tuple[str, ...] = ()) -> Any:
    if value is None:
        return None
    if not pattern:
        return change(".".join(at), value)
    names = [name for name in value if pattern[0] in ("*", name)]
    return value | {name: _replaced(value[name], pattern[1:], change, (*at, name)) for name in names}


def _bound(connector: str, field: str) -> dict[str, str]:
    return {"tenant": str(TENANT), "connector": connector, "field": field}


def _why(keys: Keys, stored: Mapping[str, str]) -> str:
    name = stored.get("key", "unknown")
    if not keys:
        return f"it is encrypted with key {name}, and no key was given. {NEXT_STEP}"
    if name in keys.ids:
        return f"key {name} should open it and does not: it was altered. Save the connector again, with its secrets."
    return (
        f"it is encrypted with key {name}, and the keys given are {', '.join(keys.ids)}. Add that key to "
        "GRANTWIRE_SECRET_KEY_FILE, or save the connector again, with its secrets."
    )
