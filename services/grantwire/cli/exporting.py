"""The export written where the person wants it: whole, or not at all."""

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from grantwire.cli.client import Api
from grantwire.cli.exits import Exit, Stop


async def to_file(api: Api, target: Path) -> None:
    """Write the export to a file. Raises ``Stop`` when it cannot be written; the old file then stays as it was."""
    with _put_in_place(target) as new:
        async for block in api.blocks("/v1/export"):
            new.write(block)


async def counted(api: Api, target: Path | None) -> dict[str, dict[str, int]]:
    """How many resources and relations of each kind the graph shows, exported to the target on the way."""
    kinds: dict[str, Counter[str]] = {"resource": Counter(), "relation": Counter()}
    with _put_in_place(target) if target else nullcontext() as new:
        async for line in _lines(api.blocks("/v1/export")):
            row = json.loads(line)
            kinds[row["type"]][row["kind"]] += 1
            if new is not None:
                new.write(line + b"\n")
    return {f"{type_}s": dict(sorted(found.items())) for type_, found in kinds.items()}


async def _lines(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line


async def to_stdout(api: Api) -> None:
    async for block in api.blocks("/v1/export"):
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def forget_stdout() -> None:
    """The reader of our output has gone (`| head`): nothing is wrong, and nothing must be said at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _put_in_place(target: Path) -> Iterator[IO[bytes]]:
    """A new file beside the target that takes its place once the block has ended well."""
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
            try:
                yield new
                Path(new.name).replace(target)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        step = "Name a file in a directory that exists and that you may write to."
        raise Stop(Exit.FAILED, f"The export cannot be written to {target}: {error.strerror}.", step) from error
