"""How a command asks the api: find it, ask, print, end with the right number."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from grantwire.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from grantwire.cli.client import Api

T = TypeVar("T")


def segment(text: str) -> str:
    """A name as one segment of a path: its slashes do not divide it."""
    return quote(text, safe="")


def ask(state_dir: Path | None, question: "Callable[[Api], Awaitable[T]]") -> T:
    """The answer of the api that is running. Raises ``Stop``. HTTP is imported only here: --help needs none of it."""
    import asyncio

    from grantwire.cli.client import Api
    from grantwire.cli.settings import Settings, find_api

    target = find_api(state_dir, Settings())

    async def asked() -> T:
        async with Api(target) as api:
            return await question(api)

    try:
        return asyncio.run(asked())
    except KeyboardInterrupt:
        raise Stop(Exit.INTERRUPTED, "Interrupted.") from None
