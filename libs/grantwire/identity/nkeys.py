"""User keys as NATS spells them: Ed25519, in Base32, with a prefix that says what they are and a checksum (nkeys,
``strkey.go``). A seed is secret; its public key stands in the server's configuration."""

import base64
import binascii
import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from grantwire.contracts.failures import Invalid

_USER: Final = 20 << 3  # U…
_SEED: Final = 18 << 3  # S…, and then five bits in each of two bytes say of which kind: SU…
_USER_SEED: Final = bytes((_SEED | _USER >> 5, (_USER & 31) << 3))
_RAW: Final = 32  # bytes of an Ed25519 seed


def new_seed() -> str:
    """A new random user seed, ``SU…``."""
    return _spelled(_USER_SEED + os.urandom(_RAW))


def public_key(seed: str) -> str:
    """The public key of a seed, ``U…``. Raises ``Invalid``."""
    return _spelled(bytes((_USER,)) + _private(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign(seed: str, nonce: str) -> bytes:
    """What the client answers to the server's nonce. Raises ``Invalid``."""
    return base64.b64encode(_private(seed).sign(nonce.encode()))


def _private(seed: str) -> Ed25519PrivateKey:
    """The error never shows what was given: it may be all but right."""
    try:
        found = base64.b32decode(seed.strip() + "=" * (-len(seed.strip()) % 8))
    except ValueError:
        found = b""
    body, checksum = found[:-2], found[-2:]
    if len(body) != len(_USER_SEED) + _RAW or not body.startswith(_USER_SEED) or checksum != _checksum(body):
        raise Invalid("This is not the seed of a NATS user key (58 letters and digits that begin with SU).", "nkey")
    return Ed25519PrivateKey.from_private_bytes(body[len(_USER_SEED) :])


def _spelled(body: bytes) -> str:
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(2, "little")
