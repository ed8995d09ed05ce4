"""What another team installs: publish a command and await its outcome, follow changes from a cursor.

async with Grantwire(url, nkey_seed=seed) as gw:
    outcome = await gw.grant(person, permission_set, connector="prod", reason="INC-7", requester="ann@example.com")
"""

from grantwire.client.client import Client, Options, Outcome
from grantwire.client.errors import CursorLost, StillRunning
from grantwire.client.fake import FakeGrantwire
from grantwire.client.fake_world import FakeWorld
from grantwire.client.following import Changes, Followed
from grantwire.client.gateway import Grantwire
from grantwire.client.waiting import Pace
from grantwire.contracts.commands import Ref
from grantwire.contracts.outcomes import (
    AccessGone,
    AccessGranted,
    AccessHeld,
    AccessRevoked,
    CommandExpired,
    CommandFailed,
    CommandPlanned,
    CommandRefused,
    CommandSuperseded,
    CommandTold,
)

__all__ = [
    "AccessGone",
    "AccessGranted",
    "AccessHeld",
    "AccessRevoked",
    "Changes",
    "Client",
    "CommandExpired",
    "CommandFailed",
    "CommandPlanned",
    "CommandRefused",
    "CommandSuperseded",
    "CommandTold",
    "CursorLost",
    "FakeGrantwire",
    "FakeWorld",
    "Followed",
    "Grantwire",
    "Options",
    "Outcome",
    "Pace",
    "Ref",
    "StillRunning",
]
