"""The truth of an account's credentials. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grantwire.sandbox.facts import AccessKey, Device, Login, Root, Row, User
from grantwire.sandbox.truth import Line, relation, resource, stamp


class CredentialTruth:
    """One account's credentials at one moment. `reported_at`: when their report was generated."""

    def __init__(self, partition: str, account: str, rows: Iterable[Row], reported_at: int | None) -> None:
        self.rows, self.account, self.reported_at = list(rows), account, reported_at
        self.iam = f"arn:{partition}:iam::{account}:"
        self.users = {row.unique_id: row for row in self.rows if isinstance(row, User)}
        self._logins = {row.user_id: row for row in self.rows if isinstance(row, Login)}
        self._devices = {row.user_id for row in self.rows if isinstance(row, Device)}

    def lines(self) -> Iterator[Line]:
        """Keys with their owners, and the root user."""
        for row in self.rows:
            if isinstance(row, AccessKey) and row.user_id in self.users:
                yield from self._key(row, self.users[row.user_id])
            elif isinstance(row, Root):
                yield from self._root(row)

    def facets(self) -> dict[str, Line]:
        """What credentials say of each user, by ARN."""
        return {self._arn(row): self._facet(row) for row in self.users.values()}

    def _arn(self, row: User) -> str:
        return f"{self.iam}user{row.path}{row.name}"

    def _facet(self, row: User) -> Line:
        login = self._logins.get(row.unique_id)
        return {
            "console_access": login is not None,
            "mfa_active": row.unique_id in self._devices,
            "password_last_changed": stamp(login.changed_at) if login is not None else None,
        }

    def _key(self, row: AccessKey, user: User) -> Iterator[Line]:
        attributes = {
            "status": "Active" if row.active else "Inactive",
            "created_at": stamp(user.created_at if row.created_at is None else row.created_at),
            "last_used_at": stamp(row.last_used_at),
            "last_used_service": _said(row.last_used_service),
            "last_used_region": _said(row.last_used_region),
            "report_time": stamp(self.reported_at),
        }
        yield resource("access_key", row.access_key_id, self.account, row.access_key_id, attributes)
        yield relation("owns", (self._arn(user), "iam_user"), (row.access_key_id, "access_key"))

    def _root(self, row: Root) -> Iterator[Line]:
        arn = f"{self.iam}root"
        attributes = {
            "created_at": stamp(row.created_at),
            "is_root": True,
            "console_access": None,
            "mfa_active": row.mfa_active,
            "password_last_used": stamp(row.password_last_used),
            "password_last_changed": None,
        }
        yield resource("iam_user", arn, self.account, "root", attributes)
        yield relation("contains", (self.account, "account"), (arn, "iam_user"))


def _said(text: str | None) -> str | None:
    """AWS writes `N/A` where it has nothing to say."""
    return None if text == "N/A" else text
