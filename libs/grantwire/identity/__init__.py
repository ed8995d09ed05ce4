"""Who may do what on the bus: the manifest, the keys, and the configuration of nats-server that follows. Pure."""

from grantwire.identity.accounts import HOUSE, account_of, accounts, text
from grantwire.identity.manifest import ADMIN, IDENTITIES, RELOADER, SERVICES, TEAM, Identity
from grantwire.identity.nkeys import new_seed, public_key, sign

__all__ = [
    "ADMIN",
    "HOUSE",
    "IDENTITIES",
    "RELOADER",
    "SERVICES",
    "TEAM",
    "Identity",
    "account_of",
    "accounts",
    "new_seed",
    "public_key",
    "sign",
    "text",
]
