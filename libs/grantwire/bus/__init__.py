"""The message bus: NATS JetStream through FastStream. Nothing else in Grantwire knows of either."""

from grantwire.bus.broker import Bus, broker
from grantwire.bus.connection import without_credentials
from grantwire.bus.dead_letters import DeadLetters
from grantwire.bus.delivery import Delivery
from grantwire.bus.errors import Busy, Full
from grantwire.bus.letters import Letter
from grantwire.bus.login import BusSettings
from grantwire.bus.mover import Mover
from grantwire.bus.outgoing import Outgoing
from grantwire.bus.process import run, serve
from grantwire.bus.provision import apply, check
from grantwire.bus.publish import Ack, Publisher
from grantwire.bus.reload import admitted, reload
from grantwire.bus.routes import include, route
from grantwire.bus.watch import running, watch

__all__ = [
    "Ack",
    "Bus",
    "BusSettings",
    "Busy",
    "DeadLetters",
    "Delivery",
    "Full",
    "Letter",
    "Mover",
    "Outgoing",
    "Publisher",
    "admitted",
    "apply",
    "broker",
    "check",
    "include",
    "reload",
    "route",
    "run",
    "running",
    "serve",
    "watch",
    "without_credentials",
]
