"""How many requests an account may be sent: asked before each one leaves, told when AWS finds them too many.

Every request takes a slot, botocore's own retries too. The first is awaited in the event loop, so that an account that
must wait keeps no thread; a retry has its thread already, and waits in it.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from botocore.client import BaseClient

from grantwire.aws.codes import THROTTLES

T = TypeVar("T")
_ASLEEP: Final = 1.0  # seconds after which a waiting thread looks whether the loop it waits for still runs


class Budgets(Protocol):
    """A rate for each key: ``iam/ACCOUNT`` or ``organizations/ACCOUNT``, of the account whose credentials ask."""

    async def ready(self, key: str) -> None:
        """Returns when one more request may be sent."""

    def slowed(self, key: str) -> None:
        """AWS throttled a request. Called from a worker thread."""


@dataclass(slots=True)
class Spending:
    """The slots of one call. ``prepaid``: whether the next request has its slot already."""

    budgets: Budgets
    key: str
    loop: asyncio.AbstractEventLoop
    prepaid: bool = True


_current: Final[ContextVar[Spending | None]] = ContextVar("grantwire_aws_spending", default=None)


async def first_slot(budgets: Budgets | None, key: str) -> Spending | None:
    """The slot of a call's first request, once there is one; None where nothing is budgeted."""
    if budgets is None:
        return None
    await budgets.ready(key)
    return Spending(budgets, key, asyncio.get_running_loop())


def spend(spending: Spending | None, call: Callable[[], T]) -> T:
    """The call's answer, its requests paid from these slots. For a thread."""
    token = _current.set(spending)
    try:
        return call()
    finally:
        _current.reset(token)


def meter(client: BaseClient) -> None:
    """From now on the client's requests take slots, and throttled ones are reported."""
    service = client.meta.service_model.service_id.hyphenize()
    # Before the signature, which is of the moment it is made.
    client.meta.events.register_first(f"request-created.{service}", pay)
    client.meta.events.register("response-received", _received)


def pay(**_: Any) -> None:
    """One request leaves: it has its slot, or waits for it here."""
    if (spending := _current.get()) is None:
        return
    if not spending.prepaid:
        _wait(spending)
    spending.prepaid = False


def _wait(spending: Spending) -> None:
    waiting = asyncio.run_coroutine_threadsafe(_ready(spending), spending.loop)
    while not waiting.done():
        try:
            waiting.result(_ASLEEP)
        except TimeoutError:
            if spending.loop.is_closed():
                waiting.cancel()
    waiting.result()


async def _ready(spending: Spending) -> None:
    await spending.budgets.ready(spending.key)


def _received(parsed_response: dict[str, Any] | None = None, **_: Any) -> None:
    if (spending := _current.get()) and (parsed_response or {}).get("Error", {}).get("Code") in THROTTLES:
        spending.budgets.slowed(spending.key)
