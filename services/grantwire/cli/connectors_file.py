"""connectors.yaml: reading it, and saying which connector and which field is wrong."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from grantwire.cli.exits import Exit, Stop
from grantwire.contracts.connectors import Connector


def load(path: Path) -> list[Connector]:
    """The connectors of a file: a list, or a mapping whose ``connectors`` is one. Raises ``Stop``."""
    entries = _entries(path, _parsed(path))
    found = [_connector(path, number, entry) for number, entry in enumerate(entries, start=1)]
    for number, connector in enumerate(found, start=1):
        if connector.id in {each.id for each in found[: number - 1]}:
            raise _wrong(path, f"connector {number} has the id {connector.id!r}, which an earlier one has")
    return found


def read_one(fields: dict[str, Any]) -> Connector:
    """A connector from command-line options. Raises ``Stop`` that names the option."""
    try:
        return Connector.model_validate(fields)
    except ValidationError as error:
        said = _sentences(error)
        raise Stop(Exit.USAGE, f"The connector cannot be accepted: {said}.", "Correct the named field.") from error


def _parsed(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        step = "Name an existing file with --connectors; the one line `- id: prod` is enough to begin with."
        raise Stop(Exit.USAGE, f"The connectors file {path} cannot be read: {error.strerror}.", step) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        said = str(getattr(error, "problem", None) or "its text is not UTF-8")
        raise _wrong(path, f"it is not YAML{where}: {said}") from error


def _entries(path: Path, parsed: Any) -> list[Any]:
    if isinstance(parsed, dict) and set(parsed) == {"connectors"}:
        parsed = parsed["connectors"]
    if isinstance(parsed, dict):
        strange = ", ".join(sorted(str(key) for key in parsed if key != "connectors")) or "nothing"
        raise _wrong(path, f"its top level must be a list of connectors or the one key `connectors`, and has {strange}")
    if not isinstance(parsed, list) or not parsed:
        raise _wrong(path, "it names no connector; the shortest one is `- id: prod`")
    return parsed


def _connector(path: Path, number: int, entry: Any) -> Connector:
    if not isinstance(entry, dict):
        raise _wrong(path, f"connector {number} is not a mapping of fields")
    name = f"connector {number} ({entry['id']!r})" if "id" in entry else f"connector {number}"
    try:
        return Connector.model_validate(entry)
    except ValidationError as error:
        raise _wrong(path, f"{name}: {_sentences(error)}") from error


def _sentences(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {_sentence(item['type'], item['msg'], item.get('input'))}"
        for item in error.errors(include_url=False)
    )


def _sentence(type_: str, message: str, given: Any) -> str:
    """Never shows the value: it may be secret."""
    if type_ == "string_type" and isinstance(given, int) and not isinstance(given, bool):
        return 'YAML reads bare digits as a number; write it as text, in quotes, such as "123456789012"'
    if type_ == "extra_forbidden":
        return f"there is no such field; the fields are {', '.join(Connector.model_fields)}"
    if type_ == "missing":
        return "is missing"
    return message.removeprefix("Value error, ").rstrip(".")


def _wrong(path: Path, what: str) -> Stop:
    return Stop(Exit.USAGE, f"The connectors file {path} cannot be used: {what}.", "Correct the file and try again.")
