"""A way into one AWS account, for async callers: entered once, renewed before it ends, every failure a sentence."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import stamina

from grantwire.aws.calls import Calls
from grantwire.aws.entry import ASSUME, CALLER, Entered, Identity, enter
from grantwire.aws.errors import Asked, failure
from grantwire.aws.replies import GarbledReply, unspoilt
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.telemetry.clock import utc_now

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

T = TypeVar("T")

# botocore repeats what fails on the way; replies refused by our guard are ours to repeat, and only reads pass here.
_AGAIN: Final = stamina.AsyncRetryingCaller(attempts=3, wait_max=2.0, wait_jitter=0.2).on(GarbledReply)


class AwsSession:
    """Reads one account with one connector's credentials, narrowed to ``actions``. Nothing is asked until first use."""

    def __init__(self, connector: Connector, actions: Sequence[str], settings: AwsSettings, calls: Calls) -> None:
        self._connector = connector
        self._enter = partial(enter, connector, tuple(actions), settings)
        self._calls = calls
        self._lock = threading.Lock()
        self._entered: Entered | None = None

    async def identity(self) -> Identity:
        """Who these credentials are. The first use asks AWS (one call). Raises ``AwsError``."""
        operation = ASSUME if self._connector.role_arn else CALLER
        return await self._read(operation, lambda: self._open().identity)

    async def iam(self, operation: str, call: Callable[["IAMClient"], T]) -> T:
        """The answer of one read: ``iam("iam:ListUsers", lambda iam: iam.list_users())``. Raises ``AwsError``."""
        return await self._read(operation, lambda: unspoilt(operation, partial(call, self._open().iam)))

    async def _read(self, operation: str, call: Callable[[], T]) -> T:
        try:
            return await _AGAIN(self._calls.run, call)
        except Exception as error:
            raise failure(error, self._asked(operation), now=utc_now()) from error

    def _open(self) -> Entered:
        with self._lock:
            if self._entered is None:
                self._entered = self._enter()
            return self._entered

    def _asked(self, operation: str) -> Asked:
        account = self._entered.identity.account if self._entered else self._connector.account
        return Asked(operation, account, self._connector.role_arn)
