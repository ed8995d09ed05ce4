"""A small real HTTP server on the loopback that answers as a test says, byte by byte where it must."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; header names in lower case."""

    target: str
    headers: dict[str, str] = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        parsed = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[0] for name, values in parsed.items()}


class Close(Exception):
    """Raised by an answer: the connection ends here, whatever is still owed."""


Write = Callable[[bytes], Awaitable[None]]
Answer = Callable[[Asked, Write], Awaitable[None]]


@dataclass
class Server:
    """Counts and keeps what arrives; ``answer`` may be changed meanwhile. ``names`` are those asked for in TLS."""

    answer: Answer
    scheme: str = "http"
    port: int = 0
    connections: int = 0
    asked: list[Asked] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            while True:
                self.asked.append(await _request(reader))
                await self.answer(self.asked[-1], write)
        except (Close, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()  # a cancelled connection would be reported by asyncio as an error of its own

    def named(self, _socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.names.append(name)


async def _request(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    parted = (line.partition(":") for line in lines)
    return Asked(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in parted})


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer, "https" if tls else "http")
    if tls:
        tls.sni_callback = server.named
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    running = asyncio.all_tasks()
    try:
        yield server
    finally:
        listening.close()
        for task in asyncio.all_tasks() - running - {asyncio.current_task()}:
            task.cancel()
