"""Names that AWS would make up, made from a hash of what they name: the same seed gives the same ids."""

from __future__ import annotations

import base64
import hashlib


def digest(*parts: object) -> bytes:
    """32 bytes that depend on every part and on nothing else."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()


def unique_id(prefix: str, *parts: object) -> str:
    """An IAM unique id (`AIDA...`, 21 characters) or access key id (`AKIA...`, 20), the rest of A-Z2-7."""
    return prefix + base64.b32encode(digest(prefix, *parts)).decode()[: 16 if prefix in ("AKIA", "ASIA") else 17]


def secret(*parts: object) -> str:
    """A secret access key: 40 characters."""
    return base64.b64encode(digest("secret", *parts) * 2).decode()[:40]


def digits(*parts: object) -> str:
    """A 12-digit account id that does not start with 0."""
    return str(10**11 + int.from_bytes(digest("account", *parts)[:8]) % (9 * 10**11))


def lower(size: int, *parts: object) -> str:
    """Letters and digits as in the ids of Organizations."""
    return base64.b32encode(digest("lower", *parts)).decode().lower()[:size]
