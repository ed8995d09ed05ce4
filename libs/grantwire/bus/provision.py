"""Streams and consumers made or changed to what ``contracts/streams.py`` says, by one idempotent step.

No service declares its own: FastStream would overwrite a live stream's configuration and never look at an existing
consumer's.
"""

from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from grantwire.bus import shape
from grantwire.bus.connection import APPLY_HINT, Json, Refused, ask, connected
from grantwire.contracts.failures import GrantwireError
from grantwire.contracts.streams import CONSUMERS, STREAMS, Consumer, Stream
from grantwire.telemetry import utc_now

_STREAM_NOT_FOUND: Final = 10059
_CONSUMER_NOT_FOUND: Final = 10014
_NO_STORAGE: Final = 10047
_API_LEVEL: Final = 2  # nats-server 2.12: atomic batches; batched direct get came a release earlier


async def apply(
    url: str,
    *,
    seed: str | None = None,
    streams: Sequence[Stream] = STREAMS,
    consumers: Sequence[Consumer] = CONSUMERS,
    replicas: int = 1,
    patience: float = 10.0,
) -> list[str]:
    """Make or change what differs; a line for each change, none when all is as it should be.

    ``seed`` is the admin's key, where the server knows one; ``replicas`` counts for streams that do not exist yet.
    Raises ``DependencyDown`` without a server within ``patience`` seconds and ``GrantwireError`` where it refuses, as a
    change of retention: that needs a new stream.
    """
    async with connected(url, name="bus-apply", patience=patience, seed=seed) as client:
        await _require_level(client)
        lines = [line for stream in streams for line in await _apply_stream(client, stream, replicas)]
        return lines + [line for consumer in consumers for line in await _apply_consumer(client, consumer)]


async def check(
    url: str,
    *,
    seed: str | None = None,
    streams: Sequence[Stream] = STREAMS,
    consumers: Sequence[Consumer] = CONSUMERS,
    patience: float = 10.0,
) -> None:
    """Raises ``GrantwireError`` that names what is missing or differs, ``DependencyDown`` without a server within
    ``patience`` seconds.

    Size and age limits are not compared: widening them by hand must not keep a service from starting.
    """
    async with connected(url, name="bus-check", patience=patience, seed=seed) as client:
        await _require_level(client)
        wrong = [line for stream in streams for line in await _wrong_stream(client, stream)]
        wrong += [line for consumer in consumers for line in await _wrong_consumer(client, consumer)]
    if wrong:
        raise GrantwireError(f"The bus is not as this version needs it ({'; '.join(wrong)}); {APPLY_HINT}.")


async def _require_level(client: Client) -> None:
    level = (await ask(client, "INFO"))["api"].get("level", 0)
    if level < _API_LEVEL:
        raise GrantwireError(
            f"nats-server {client.connected_server_version} is too old (API level {level}, {_API_LEVEL} is needed); "
            "use 2.14 or newer."
        )


async def _apply_stream(client: Client, stream: Stream, replicas: int) -> list[str]:
    live = await _live(client, f"STREAM.INFO.{stream.name}", _STREAM_NOT_FOUND)
    wanted = shape.stream_shape(stream)
    if live is None:
        first = shape.first_sequence(stream, utc_now())
        await _change(client, f"STREAM.CREATE.{stream.name}", wanted | {"num_replicas": replicas, "first_seq": first})
        return [f"stream {stream.name}: created"]
    if changes := shape.differences(live, wanted):
        await _change(client, f"STREAM.UPDATE.{stream.name}", shape.merged(live, wanted))
    return [f"stream {stream.name}: {change}" for change in changes]


async def _apply_consumer(client: Client, consumer: Consumer) -> list[str]:
    live = await _live(client, _info(consumer), _CONSUMER_NOT_FOUND)
    wanted = shape.consumer_shape(consumer)
    changes = ["created"] if live is None else shape.differences(live, wanted)
    if changes:
        config = shape.merged(live or {}, wanted)
        action = "create" if live is None else "update"
        body = {"stream_name": consumer.stream, "config": config, "action": action}
        await _change(client, f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}", body)
    return [f"consumer {consumer.name}: {change}" for change in changes]


async def _wrong_stream(client: Client, stream: Stream) -> list[str]:
    live = await _live(client, f"STREAM.INFO.{stream.name}", _STREAM_NOT_FOUND)
    if live is None:
        return [f"stream {stream.name} is missing"]
    wanted = shape.without_capacity(shape.stream_shape(stream))
    return [f"stream {stream.name}: {change}" for change in shape.differences(live, wanted)]


async def _wrong_consumer(client: Client, consumer: Consumer) -> list[str]:
    live = await _live(client, _info(consumer), _CONSUMER_NOT_FOUND, _STREAM_NOT_FOUND)
    if live is None:
        return [f"consumer {consumer.name} is missing"]
    return [f"consumer {consumer.name}: {change}" for change in shape.differences(live, shape.consumer_shape(consumer))]


async def _live(client: Client, subject: str, *absent: int) -> Json | None:
    try:
        config: Json = (await ask(client, subject))["config"]
    except Refused as refusal:
        if refusal.code in absent:
            return None
        raise
    return config


async def _change(client: Client, subject: str, body: Json) -> None:
    try:
        await ask(client, subject, body)
    except Refused as refusal:
        if refusal.code == _NO_STORAGE:
            raise GrantwireError(
                f"NATS has too little storage for {subject.rpartition('.')[2]} ({refusal.description}); "
                "raise `max_file_store` in its configuration or free disk space."
            ) from refusal
        raise


def _info(consumer: Consumer) -> str:
    return f"CONSUMER.INFO.{consumer.stream}.{consumer.name}"
