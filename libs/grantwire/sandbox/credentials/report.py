"""Credential reports: made when asked for, kept for four hours, old in every line while they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grantwire.sandbox.facts import AccessKey, Root, User
from grantwire.sandbox.world import World

KEPT = 4 * 3_600  # a report younger than this is not made anew
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(
        f"access_key_{n}_{what}"
        for n in (1, 2)
        for what in ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
    ),
    *(f"cert_{n}_{what}" for n in (1, 2) for what in ("active", "last_rotated")),
)
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATES = ["false", "N/A", "false", "N/A"]
_BORN = 1_300_000_000  # of a root user that nobody planned


@dataclass(frozen=True)
class Report:
    """One report, as the account was when it was generated. `content` is None until `ready_at`."""

    asked_at: float
    ready_at: float
    content: bytes | None = None


@dataclass
class Reports:
    """The report of each account. `delay`: seconds that making one takes."""

    delay: float = 0.0
    of: dict[str, Report] = field(default_factory=dict)

    def asked(self, world: World, now: float) -> str:
        """What GenerateCredentialReport says: STARTED, INPROGRESS or COMPLETE."""
        found = self.current(world, now)
        if found is not None and found.content is None:
            return "INPROGRESS"
        if found is None or not self.fresh(found, now):
            self.of[world.account] = Report(now, now + self.delay)
            self.current(world, now)
            return "STARTED"
        return "COMPLETE"

    def fresh(self, report: Report, now: float) -> bool:
        """Whether a finished report is young enough to be given out."""
        return now - report.ready_at < KEPT

    def current(self, world: World, now: float) -> Report | None:
        """The report of an account, filled in once it is due."""
        found = self.of.get(world.account)
        if found is not None and found.content is None and now >= found.ready_at:
            found = self.of[world.account] = Report(found.asked_at, found.ready_at, content(world))
        return found

    def generated_at(self, account: str) -> int | None:
        """When the newest finished report of an account was generated."""
        found = self.of.get(account)
        return int(found.ready_at) if found is not None and found.content is not None else None


def content(world: World) -> bytes:
    """The report as CSV: the root user's line first, then every user's."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root(world))
    writer.writerows(_user(world, user) for user in world.users.table.rows())
    return text.getvalue().encode()


def _root(world: World) -> list[str]:
    row = world.root or Root(world.account, _BORN)
    key = ["true", _time(row.key_at), "N/A", "N/A", "N/A"] if row.key_at is not None else _NO_KEY
    used = _time(row.password_last_used) if row.password_last_used is not None else "no_information"
    return [
        "<root_account>",
        f"{world.iam}root",
        _time(row.created_at),
        "not_supported",
        used,
        "not_supported",
        "not_supported",
        _flag(row.mfa_active),
        *key,
        *_NO_KEY,
        *_NO_CERTIFICATES,
    ]


def _user(world: World, row: User) -> list[str]:
    keys = [_key(each) for each in world.keys_of(row.unique_id)[:2]]
    keys += [_NO_KEY] * (2 - len(keys))
    return [
        row.name,
        world.arn(row),
        _time(row.created_at),
        *_password(world, row),
        _flag(bool(world.devices.get(row.unique_id))),
        *(text for key in keys for text in _filled(key, row)),
        *_NO_CERTIFICATES,
    ]


def _password(world: World, row: User) -> Iterator[str]:
    login = world.logins.get(row.unique_id)
    if login is None:
        yield from ("false", "N/A", "N/A", "N/A")
        return
    yield "true"
    yield _time(row.password_last_used) if row.password_last_used is not None else "no_information"
    yield _time(login.changed_at)
    yield _time(login.expires_at) if login.expires_at is not None else "N/A"


def _key(row: AccessKey) -> list[str]:
    used = row.last_used_at is not None
    return [
        _flag(row.active),
        _time(row.created_at) if row.created_at is not None else "",
        _time(row.last_used_at) if used else "N/A",
        row.last_used_region or "N/A",
        row.last_used_service or "N/A",
    ]


def _filled(key: list[str], row: User) -> list[str]:
    """A key that nobody dated is as old as its user."""
    return [each or _time(row.created_at) for each in key]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _time(seconds: int | None) -> str:
    return datetime.fromtimestamp(seconds or 0, UTC).isoformat()
