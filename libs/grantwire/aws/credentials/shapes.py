"""Credentials as AWS tells them, as frozen values. None is what AWS does not say; it never means no."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LastUse:
    """When and for what a key was last used; all None for one that was not since AWS began to keep it."""

    at: datetime | None
    service: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class ReportedKey:
    """A key as the report tells it, without its id. ``rotated_at``: when it was created, or last changed."""

    active: bool
    rotated_at: datetime | None
    used: LastUse


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One user of a credential report, or the root user. ``console_access`` is None for the root user, of whom the
    report does not say it. ``keys``: the access keys the user had, active or not."""

    name: str
    arn: str
    is_root: bool
    created_at: datetime
    console_access: bool | None
    password_last_used: datetime | None
    password_last_changed: datetime | None
    mfa_active: bool
    keys: tuple[ReportedKey, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A credential report. It is up to four hours old: everything in it was so at ``generated_at``, not now.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
    """

    generated_at: datetime
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key as ``ListAccessKeys`` tells it now. ``status`` is ``Active``, ``Inactive`` or ``Expired``."""

    id: str
    user_name: str
    status: str
    created_at: datetime
