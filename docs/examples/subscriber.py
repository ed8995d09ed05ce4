"""Prints every change of access, from where it was left the last time: ``python subscriber.py cursor.txt``.

The environment is that of publisher.py.
"""

import asyncio
import os
import sys
from pathlib import Path

from grantwire.client import CursorLost, Grantwire


async def main(kept: Path) -> int:
    seed = Path(os.environ["GRANTWIRE_NATS_NKEY_FILE"]).read_text()
    async with Grantwire(os.environ["GRANTWIRE_NATS_URL"], nkey_seed=seed) as gw:
        if not kept.exists():
            kept.write_text(await gw.cursor())
        print("following", flush=True)
        try:
            async for cursor, change in gw.changes(kept.read_text()):
                print(change.revision, type(change).__name__, change.model_dump_json(), flush=True)
                kept.write_text(cursor)  # only now: after a crash this change comes again, and none is missed
        except CursorLost as lost:
            print(lost, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
