"""`python -m grantwire.local`: the two servers alone, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from grantwire.local.errors import StateError
from grantwire.local.settings import LocalSettings
from grantwire.local.state import StateDir
from grantwire.local.supervisor import LocalStack
from grantwire.telemetry import setup


def main() -> int:
    """Run the stack; prints one JSON line with the URLs and pids once both servers are ready."""
    parser = argparse.ArgumentParser(prog="python -m grantwire.local", description=__doc__)
    parser.add_argument("--state-dir", type=Path, help="default: GRANTWIRE_STATE_DIR, or the usual place")
    chosen: Path | None = parser.parse_args().state_dir
    setup("local", log_format="console")
    try:
        asyncio.run(_run(StateDir(chosen or LocalSettings().chosen_state_dir())))
    except StateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(state: StateDir) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with LocalStack(state) as stack:
        sys.stdout.write(json.dumps(_description(stack)) + "\n")
        sys.stdout.flush()
        await ended.wait()


def _description(stack: LocalStack) -> dict[str, str | int]:
    pids = stack.pids()
    urls = {"database_url": stack.database_url, "nats_url": stack.nats_url}
    return {**urls, "postgres_pid": pids["postgres"], "nats_pid": pids["nats"]}


if __name__ == "__main__":
    sys.exit(main())
