"""The CSV of a credential report into typed rows. Pure. A report that is cut or odd is an error, never a shorter one.

Columns may be added by AWS; the ones that are read must be there.
"""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from grantwire.aws.credentials.shapes import LastUse, ReportedKey, ReportRow
from grantwire.aws.errors import inconsistent
from grantwire.aws.rows import utc

REPORT: Final = "iam:GetCredentialReport"
ROOT: Final = "<root_account>"
_UNSAID: Final = frozenset({"N/A", "no_information", "not_supported", ""})
_FLAGS: Final = {"true": True, "false": False}
_KEYS: Final = ("access_key_1", "access_key_2")
_TOLD: Final = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
_COLUMNS: Final = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
    *(f"{key}_{what}" for key in _KEYS for what in _TOLD),
)

_Row = Mapping[str, str]


def rows_of(content: bytes) -> tuple[ReportRow, ...]:
    """Every user of the report, the root user among them. Raises ``AwsError`` (transient)."""
    try:
        text = content.decode()
        lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        _whole(lines.fieldnames or (), text)
        rows = tuple(_row(line) for line in lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise inconsistent(REPORT, f"the report cannot be read as CSV ({error})") from error
    _believable(rows)
    return rows


def _whole(names: object, text: str) -> None:
    missing = [name for name in _COLUMNS if name not in (names if isinstance(names, list) else ())]
    if missing:
        raise inconsistent(REPORT, f"the report has no column {missing[0]}")
    if not text:
        raise inconsistent(REPORT, "the report is empty")


def _believable(rows: tuple[ReportRow, ...]) -> None:
    """Every account has one root user, and an ARN is one user's."""
    if sum(row.is_root for row in rows) != 1:
        raise inconsistent(REPORT, "the report does not tell of one root user")
    if len({row.arn for row in rows}) != len(rows):
        raise inconsistent(REPORT, "the report tells of a user twice")


def _row(line: _Row) -> ReportRow:
    if None in line.values() or None in line:  # csv.DictReader marks a line that is too short or too long so
        raise inconsistent(REPORT, f"the line of {line.get('user')} has not as many fields as the report has columns")
    created = _time(line, "user_creation_time")
    if created is None:
        raise inconsistent(REPORT, f"the line of {line['user']} has no user_creation_time")
    return ReportRow(
        name=line["user"],
        arn=_said(line, "arn"),
        is_root=line["user"] == ROOT,
        created_at=created,
        console_access=_flag_or_none(line, "password_enabled"),
        password_last_used=_time(line, "password_last_used"),
        password_last_changed=_time(line, "password_last_changed"),
        mfa_active=_flag(line, "mfa_active"),
        keys=tuple(key for name in _KEYS if (key := _key(line, name)) is not None),
    )


def _key(line: _Row, key: str) -> ReportedKey | None:
    """A key that was switched off is a key: only its times tell it from none."""
    service, region = (_text(line, f"{key}_last_used_{what}") for what in ("service", "region"))
    used = LastUse(_time(line, f"{key}_last_used_date"), service, region)
    found = ReportedKey(_flag(line, f"{key}_active"), _time(line, f"{key}_last_rotated"), used)
    return found if found.active or found.rotated_at is not None or used.at is not None else None


def _said(line: _Row, name: str) -> str:
    if line[name] in _UNSAID:
        raise inconsistent(REPORT, f"the line of {line['user']} has no {name}")
    return line[name]


def _text(line: _Row, name: str) -> str | None:
    return None if line[name] in _UNSAID else line[name]


def _flag_or_none(line: _Row, name: str) -> bool | None:
    return None if line[name] in _UNSAID else _flag(line, name)


def _flag(line: _Row, name: str) -> bool:
    found = _FLAGS.get(line[name].lower())
    if found is None:
        raise inconsistent(REPORT, f"the line of {line['user']} has {line[name]!r} as its {name}")
    return found


def _time(line: _Row, name: str) -> datetime | None:
    if line[name] in _UNSAID:
        return None
    try:
        return utc(datetime.fromisoformat(line[name]))
    except ValueError as error:
        raise inconsistent(REPORT, f"the line of {line['user']} has {line[name]!r} as its {name}") from error
