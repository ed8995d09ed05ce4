"""boto3 in bounded threads that keep the trace, and a count of every request that leaves."""

import asyncio
import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from botocore.client import BaseClient

from grantwire.aws.codes import THROTTLES
from grantwire.telemetry import monotonic

T = TypeVar("T")
_ACTIONS: Final = {"sso-admin": "sso"}  # services whose actions are called otherwise


class Tally:
    """What was asked while it was current: requests by ``iam:ListUsers`` (retries included), and how they ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: Counter[str] = Counter()
        self._ended: Counter[tuple[str, str]] = Counter()
        self._began = threading.local()  # a thread has one request under way
        self._answered: list[tuple[str, float, float]] = []

    @property
    def calls(self) -> dict[str, int]:
        """Requests sent, by operation."""
        with self._lock:
            return dict(sorted(self._sent.items()))

    @property
    def throttled(self) -> int:
        """Requests that AWS refused for their rate."""
        return sum(count for (_, outcome), count in self.outcomes().items() if outcome == "throttled")

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Requests by operation and ``ok``, ``throttled``, ``refused`` or ``broken`` (no whole reply)."""
        with self._lock:
            found = Counter(self._ended)
            for operation, sent in self._sent.items():
                answered = sum(count for (name, _), count in self._ended.items() if name == operation)
                found[operation, "broken"] += max(sent - answered, 0)
        return {key: count for key, count in sorted(found.items()) if count}

    def took(self) -> list[tuple[str, float]]:
        """Each request that was answered: its operation, and seconds from sending it to having read the answer."""
        with self._lock:
            return [(operation, ended - began) for operation, began, ended in self._answered]

    def busy(self) -> float:
        """Seconds in which at least one of those was under way."""
        with self._lock:
            spans = sorted((began, ended) for _, began, ended in self._answered)
        seconds, until = 0.0, 0.0
        for began, ended in spans:
            seconds += max(ended - max(began, until), 0.0)
            until = max(until, ended)
        return seconds

    def sent(self, operation: str) -> None:
        self._began.at = monotonic()
        with self._lock:
            self._sent[operation] += 1

    def ended(self, operation: str, outcome: str) -> None:
        answer = (operation, self._began.at, monotonic())
        with self._lock:
            self._ended[operation, outcome] += 1
            self._answered.append(answer)


_current: Final[contextvars.ContextVar[Tally | None]] = contextvars.ContextVar("grantwire_aws_tally", default=None)


@contextmanager
def tallying() -> Iterator[Tally]:
    """Count the requests of this task, in whichever thread and by whichever client they are sent."""
    tally = Tally()
    token = _current.set(tally)
    try:
        yield tally
    finally:
        _current.reset(token)


def current_tally() -> Tally | None:
    """The tally of this task: for requests that are not boto3's."""
    return _current.get()


def count(client: BaseClient) -> None:
    """From now on every request of the client, retries included, is counted in the current tally."""
    client.meta.events.register("before-send", _sent)
    client.meta.events.register("response-received", _received)


def _sent(event_name: str, **_: Any) -> None:
    if tally := _current.get():
        tally.sent(_operation(event_name))


def _received(event_name: str, parsed_response: dict[str, Any] | None = None, **_: Any) -> None:
    if (tally := _current.get()) and parsed_response is not None:
        code = parsed_response.get("Error", {}).get("Code")
        tally.ended(_operation(event_name), "ok" if not code else "throttled" if code in THROTTLES else "refused")


def _operation(event_name: str) -> str:
    """As the action that allows it is called."""
    _, service, operation = event_name.split(".")
    return f"{_ACTIONS.get(service, service)}:{operation}"


class Calls:
    """Runs blocking calls in its own threads, at most ``concurrency`` at once.

    A cancelled caller does not free its thread: the bound holds for requests, not for those who wait for them.
    """

    def __init__(self, concurrency: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="aws")

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. The thread sees this task's context: its trace and its tally."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, call)

    def close(self) -> None:
        """Start nothing more. Calls under way end by themselves, at the latest at their timeouts."""
        self._threads.shutdown(wait=False, cancel_futures=True)
