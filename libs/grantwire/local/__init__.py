"""The embedded default: nats-server and Postgres from wheels, started, supervised, stopped."""

from grantwire.local.errors import StateError
from grantwire.local.nats import Nats
from grantwire.local.postgres import Postgres, connect
from grantwire.local.settings import LocalSettings, default_state_dir
from grantwire.local.state import StateDir, temporary_state
from grantwire.local.supervisor import LocalStack

__all__ = [
    "LocalSettings",
    "LocalStack",
    "Nats",
    "Postgres",
    "StateDir",
    "StateError",
    "connect",
    "default_state_dir",
    "temporary_state",
]
