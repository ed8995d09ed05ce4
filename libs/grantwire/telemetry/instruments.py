"""Spans from the libraries that talk to the outside: database statements and AWS calls."""

from typing import Any

from opentelemetry import trace

from grantwire.telemetry.tracing import Following, recording


def instrument(*, asyncpg: bool = False, botocore: bool = False, default_service: str = "grantwire") -> None:
    """Make these libraries' calls spans of whichever service is at work. Statement parameters are never recorded.

    Does nothing in a process that ``setup`` gave no backend: an AWS call takes a third more of the processor with a
    span around it that nobody sees.
    The libraries are imported here, so a service names only those it has. Calling it again changes nothing.
    Raises ImportError if a named library or its instrumentation is not installed.
    """
    if not recording():
        return
    provider = Following(default_service)
    if asyncpg:
        _asyncpg(provider)
    if botocore:
        _botocore(provider)


def _asyncpg(provider: trace.TracerProvider) -> None:
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    untyped: Any = AsyncPGInstrumentor
    _once(untyped(capture_parameters=False), provider)


def _botocore(provider: trace.TracerProvider) -> None:
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

    untyped: Any = BotocoreInstrumentor
    _once(untyped(), provider)


def _once(instrumentor: Any, provider: trace.TracerProvider) -> None:
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(tracer_provider=provider)
