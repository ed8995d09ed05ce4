"""Reads one account's credentials: every answer whole and typed, or an ``AwsError``."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from grantwire.aws.credentials.report import REPORT, rows_of
from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report
from grantwire.aws.errors import inconsistent
from grantwire.aws.iam.reader import IamReader
from grantwire.aws.iam.shapes import ListedUser
from grantwire.aws.paging import MARKER, Page, pages
from grantwire.aws.rows import Needing, Row, time_or_none, utc
from grantwire.aws.session import AwsSession
from grantwire.contracts.failures import AwsCause, AwsError

GENERATE: Final = "iam:GenerateCredentialReport"
KEYS: Final = "iam:ListAccessKeys"
LAST_USED: Final = "iam:GetAccessKeyLastUsed"
PAGE: Final = 1_000  # the most AWS gives
WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)  # seconds; a large account's report takes a minute
READY: Final = "COMPLETE"
ABSENT: Final = frozenset({"ReportNotPresent", "ReportExpired"})  # codes: it must be asked for again
UNREADY: Final = ABSENT | {"ReportInProgress"}

Pause = Callable[[float], Any]


class CredentialReader:
    """Typed reads through one session. ``pause`` waits so many seconds."""

    def __init__(self, session: AwsSession, pause: Pause = asyncio.sleep) -> None:
        self._session = session
        self._pause = pause

    async def report(self) -> Report:
        """The account's credential report, made now or in the last four hours. Raises ``AwsError``: transient while
        AWS is still making it, denied without the permission for either call."""
        waits = (0.0, *WAITS) if await self._asked_for() == READY else WAITS
        for wait in waits:
            if wait:
                await self._pause(wait)
            if (report := await self._fetched()) is not None:
                return report
        raise AwsError(
            f"AWS has not finished the credential report in {sum(WAITS):.0f} s; next: nothing, it is read again later.",
            cause=AwsCause.TRANSIENT,
            operation=REPORT,
            code="ReportInProgress",
        )

    async def users(self) -> tuple[ListedUser, ...]:
        """Every user there is now."""
        return await IamReader(self._session).users()

    async def keys(self, user_name: str) -> tuple[AccessKey, ...]:
        """The access keys of a user as they are now. ``AwsError`` (gone) where there is no such user any more."""

        async def fetch(token: str | None) -> Page:
            page: dict[str, Any] = {"MaxItems": PAGE} | ({"Marker": token} if token is not None else {})
            return await self._session.iam(KEYS, lambda iam: iam.list_access_keys(UserName=user_name, **page))

        member = "AccessKeyMetadata"
        rows = [row async for page in pages(fetch, KEYS, (member,), MARKER) for row in page[member]]
        return tuple({key.id: key for key in (_key(row, user_name) for row in rows)}.values())

    async def last_use(self, key_id: str) -> LastUse:
        """When and for what the key was last used. ``AwsError`` where there is no such key any more."""
        answer = await self._session.iam(LAST_USED, lambda iam: iam.get_access_key_last_used(AccessKeyId=key_id))
        used = Needing(LAST_USED).need(answer, "AccessKeyLastUsed", dict)
        return LastUse(time_or_none(used.get("LastUsedDate")), _said(used, "ServiceName"), _said(used, "Region"))

    async def _asked_for(self) -> str:
        """How far AWS is with the report: ``STARTED``, ``INPROGRESS`` or ``COMPLETE``."""
        answer = await self._session.iam(GENERATE, lambda iam: iam.generate_credential_report())
        return Needing(GENERATE).need(answer, "State", str)

    async def _fetched(self) -> Report | None:
        """None while it is being made; one that expired between the two calls is asked for again."""
        try:
            answer = await self._session.iam(REPORT, lambda iam: iam.get_credential_report())
        except AwsError as error:
            if error.code not in UNREADY:
                raise
            if error.code in ABSENT:
                await self._asked_for()
            return None
        need = Needing(REPORT).need
        if need(answer, "ReportFormat", str) != "text/csv":
            raise inconsistent(REPORT, f"the report's format is {answer['ReportFormat']!r}, not text/csv")
        return Report(_second(need(answer, "GeneratedTime", datetime)), rows_of(need(answer, "Content", bytes)))


def _key(row: Row, user_name: str) -> AccessKey:
    need = Needing(KEYS).need
    if (owner := need(row, "UserName", str)) != user_name:
        raise inconsistent(KEYS, f"a key of {owner} is among those of {user_name}")
    created_at = _second(need(row, "CreateDate", datetime))
    return AccessKey(need(row, "AccessKeyId", str), owner, need(row, "Status", str), created_at)


def _second(time: datetime) -> datetime:
    """Whole seconds, as in the lines of a report: these times are compared."""
    return utc(time).replace(microsecond=0)


def _said(used: Mapping[str, Any], name: str) -> str | None:
    """AWS writes ``N/A`` where it has nothing to say."""
    text = used.get(name)
    return text if isinstance(text, str) and text != "N/A" else None
