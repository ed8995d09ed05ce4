"""Credentials as AWS and the graph tell them, short to write. Times are hours of one day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report, ReportedKey, ReportRow
from grantwire.aws.iam.shapes import ListedUser
from grantwire.collectors.credentials.answers import HeldKey

ACCOUNT = "111122223333"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NEVER = LastUse(None, None, None)


def at(hours: float) -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(hours=hours)


def arn(name: str, path: str = "/") -> str:
    return f"arn:aws:iam::{ACCOUNT}:user{path}{name}"


def user(name: str, created: float = 0, path: str = "/") -> ListedUser:
    return ListedUser(arn=arn(name, path), unique_id=f"AIDA{name}", name=name, path=path, created_at=at(created))


def used(hours: float, service: str = "s3") -> LastUse:
    return LastUse(at(hours), service, "eu-west-1")


def line(rotated: float | None, active: bool = True, use: LastUse = NEVER) -> ReportedKey:
    return ReportedKey(active, at(rotated) if rotated is not None else None, use)


def row(name: str, *keys: ReportedKey, created: float = 0, path: str = "/", **but: Any) -> ReportRow:
    said: dict[str, Any] = {
        "name": name,
        "arn": arn(name, path),
        "is_root": False,
        "created_at": at(created),
        "console_access": False,
        "password_last_used": None,
        "password_last_changed": None,
        "mfa_active": False,
        "keys": keys,
    }
    return ReportRow(**{**said, **but})


def root(*keys: ReportedKey) -> ReportRow:
    return row("<root_account>", *keys, arn=ROOT, is_root=True, console_access=None)


def report(*rows: ReportRow, of: float = 10) -> Report:
    return Report(at(of), (root(), *rows))


def key(id: str, owner: str, created: float = 1, status: str = "Active") -> AccessKey:
    return AccessKey(id, owner, status, at(created))


def held(id: str, owner: str, created: float = 1, status: str = "Active", **but: Any) -> HeldKey:
    """``but``: ``used``, and ``of`` for the hour of the report that it was told with."""
    told = but.pop("of", None)
    return HeldKey(key(id, owner, created, status), arn(owner), report_time=None if told is None else at(told), **but)
