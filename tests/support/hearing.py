"""Everything that leaves a running Grantwire, as bytes to be searched: spans, messages, tables, files."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from grantwire.contracts.streams import STREAMS
from grantwire.graph.pool import connect_options


def spellings(text: str) -> list[bytes]:
    """The text itself, and what Base64 makes of it at each of its three places within three bytes."""
    found = [text.encode()]
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text.encode()).decode()
        found.append(coded[4 if before else 0 : -4].encode())
    return found + [each.translate(bytes.maketrans(b"+/", b"-_")) for each in found[1:]]


def heard_in(places: dict[str, bytes], text: str) -> list[str]:
    """The places where the text is found."""
    wanted = spellings(text)
    return [place for place, content in places.items() if any(each in content for each in wanted)]


@contextmanager
def exported() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver of OTLP over HTTP: its URL, and the bodies it got. Protobuf keeps text as it is."""
    bodies: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what is received is the test's to tell."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
        server.shutdown()
        thread.join()


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[list[bytes]]:
    """Every message on any subject of ours from now on: jobs too, which leave their stream when they are done."""
    told: list[bytes] = []
    client = await nats.connect(url)

    async def hear(message: Msg) -> None:
        told.append(_whole(message.subject, dict(message.headers or {}), message.data))

    await client.subscribe("gw.>", cb=hear)
    await client.subscribe("$JS.EVENT.>", cb=hear)
    await client.flush()
    yield told
    await client.drain()


async def kept_messages(url: str) -> bytes:
    """Every message that a stream of ours still holds."""
    client = await nats.connect(url)
    found = []
    for stream in STREAMS:
        state = (await client.jetstream().stream_info(stream.name)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            try:
                raw = await client.jetstream().get_msg(stream.name, sequence)
            except (NotFoundError, NatsError):
                continue  # deleted or done
            found.append(_whole(raw.subject or "", dict(raw.headers or {}), raw.data or b""))
    await client.close()
    return b"\n".join(found)


async def dump(database_url: str) -> bytes:
    """Every row of every table, Alembic's too, as text."""
    connection = await asyncpg.connect(**connect_options(database_url, "tests"))
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    rows = [await connection.fetch(f"SELECT * FROM {table['name']}") for table in tables]
    await connection.close()
    return "\n".join(repr(tuple(row)) for table in rows for row in table).encode()


async def files(folder: Path, *, but: str) -> bytes:
    """All files below a folder: what the servers keep on disk, their logs and ours. ``but`` is a folder left out."""

    def read() -> bytes:
        return b"\n".join(_bytes(path) for path in sorted(folder.rglob("*")) if but not in path.parts)

    return await asyncio.to_thread(read)


def _bytes(path: Path) -> bytes:
    """Nothing of what is no file, or is gone by now."""
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    except OSError:
        return b""


def _whole(subject: str, headers: dict[str, str], data: bytes) -> bytes:
    return b"\n".join([subject.encode(), repr(headers).encode(), data])
