"""One trace from a command line to the last message it brings about, sent to the viewer that belongs to the api."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from grantwire.cli.settings import Target

T = TypeVar("T")


async def traced(
    target: "Target", name: str, attributes: dict[str, str], work: Callable[[], Awaitable[T]]
) -> tuple[T, str | None]:
    """What the work gives, and the link to its trace, if there is a viewer."""
    import asyncio

    from grantwire import telemetry

    switched = telemetry.setup("cli", endpoint=target.traces, log_format="console", level="error")
    try:
        with telemetry.span("cli", name, attributes=attributes) as root:
            found = await work()
            trace_id = format(root.get_span_context().trace_id, "032x")
    finally:
        await asyncio.to_thread(switched.shutdown)
    return found, f"{target.traces}/traces/{trace_id}" if target.traces else None
