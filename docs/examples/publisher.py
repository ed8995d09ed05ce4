"""Grants or revokes, and waits for what became of it.

    grantwire team add payments     # prints the URL and the key file
    export GRANTWIRE_NATS_URL=… GRANTWIRE_NATS_NKEY_FILE=…
    python publisher.py grant prod iam_user:arn:aws:iam::123456789012:user/ann \\
        iam_group:arn:aws:iam::123456789012:group/admins "INC-4711"
"""

import asyncio
import os
import sys
from pathlib import Path

from grantwire.client import Grantwire, StillRunning


async def main(verb: str, connector: str, principal: str, target: str, reason: str) -> int:
    seed = Path(os.environ["GRANTWIRE_NATS_NKEY_FILE"]).read_text()
    async with Grantwire(os.environ["GRANTWIRE_NATS_URL"], nkey_seed=seed) as gw:
        ask = gw.grant if verb == "grant" else gw.revoke
        try:
            outcome = await ask(principal, target, connector=connector, reason=reason, requester="publisher.py")
        except StillRunning as running:
            print(running, file=sys.stderr)
            return 3
    print(outcome.state, outcome.reason.text if outcome.reason else f"seen in revision {outcome.revision}")
    return 0 if outcome.state in ("granted", "already_held", "revoked", "already_gone") else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:6])))
