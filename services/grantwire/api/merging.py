"""A change to settings: JSON merge patch (RFC 7396) over what is kept, and the version it was made for. Pure."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Invalid


def changed(connector: Connector, changes: Mapping[str, Any]) -> Connector:
    """The settings after the changes; null puts a field back to its default. Raises ``RequestValidationError`` that
    names every wrong field, ``Invalid`` for another id and for a setting that there is not."""
    if changes.get("id", connector.id) != connector.id:
        raise Invalid(
            f"The id {connector.id!r} stays: history and messages carry it; next: add another connector.", "id"
        )
    if strange := [name for name in changes if name not in Connector.model_fields]:
        known = ", ".join(Connector.model_fields)
        raise Invalid(f"{strange[0][:60]}: there is no such setting; the settings are {known}.", strange[0][:60])
    try:
        return Connector.model_validate(merged(connector.model_dump(mode="json"), changes))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``target`` with the members of ``patch`` in their place, and without those that are null there."""
    found = {name: value for name, value in target.items() if patch.get(name, value) is not None or name not in patch}
    for name, value in patch.items():
        if isinstance(value, Mapping):
            before = target.get(name)
            found[name] = merged(before if isinstance(before, Mapping) else {}, value)
        elif value is not None:
            found[name] = value
    return found


def version_of(if_match: str | None, body: Any = None) -> int | None:
    """The version that a change was made for: of the header If-Match, an ETag of ours, or of the body. Raises
    ``Invalid``."""
    given = body if if_match is None or if_match.strip() == "*" else if_match.strip().removeprefix("W/").strip('"')
    if given is None:
        return None
    if isinstance(given, bool) or not str(given).isdecimal():
        raise Invalid(
            f"{str(given)[:40]!r} is not a version of settings; next: give the number that settings_version and the "
            "ETag showed.",
            "version" if if_match is None else "If-Match",
        )
    return int(given)
