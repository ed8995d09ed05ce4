"""The keys that connectors' secrets are encrypted with: the first one encrypts, every one decrypts. Pure."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from grantwire.contracts.failures import SecretKeyError
from grantwire.contracts.text import canonical

_KEY: Final = re.compile("[A-Za-z0-9_-]{43}=?")  # 32 bytes; Python's decoder would overlook what is not of the alphabet


class Keys:
    """Fernet keys, newest first. None at all is fine until a secret is met."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._fernets = {_id_of(key): Fernet(urlsafe_b64encode(key)) for key in keys}

    @classmethod
    def parse(cls, text: str, source: str) -> "Keys":
        """Keys divided by commas or white space. ``source`` is where they come from. Raises ``SecretKeyError`` that
        says which is malformed, and never what it is."""
        words = text.replace(",", " ").split()
        return cls([_key_of(word, f"Key {place} of {len(words)} in {source}") for place, word in enumerate(words, 1)])

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.ids)})"

    def __bool__(self) -> bool:
        return bool(self._fernets)

    @property
    def ids(self) -> list[str]:
        """The names of the keys, newest first: a digest of each, which tells nothing of it."""
        return list(self._fernets)

    @property
    def first(self) -> str:
        """The name of the key that encrypts. Raises ``SecretKeyError`` when there is none."""
        for id in self._fernets:
            return id
        raise SecretKeyError(f"There is no key to encrypt secrets with. {NEXT_STEP}")

    def encrypt(self, content: dict[str, str]) -> str:
        """A token that only these keys open. Raises ``SecretKeyError`` when there is no key."""
        return self._fernets[self.first].encrypt(canonical(content).encode()).decode()

    def decrypt(self, token: str, *, first_alone: bool = False) -> dict[str, str] | None:
        """What was encrypted, or None if none of these keys opens it. ``first_alone`` tries no other one."""
        if not self._fernets:
            return None
        fernets = list(self._fernets.values())[: 1 if first_alone else None]
        try:
            found: dict[str, str] = json.loads(MultiFernet(fernets).decrypt(token))
        except (InvalidToken, ValueError):  # the latter for what is no token at all
            return None
        return found


NEXT_STEP: Final = (
    "Make a key with `grantwire secrets new-key`, keep it in a file that only Grantwire can read, and name that file "
    "to the api and every collector with GRANTWIRE_SECRET_KEY_FILE."
)


def new_key() -> str:
    """A random key, as ``Keys.parse`` reads it."""
    return Fernet.generate_key().decode()


def _key_of(word: str, name: str) -> bytes:
    if not _KEY.fullmatch(word):
        raise SecretKeyError(
            f"{name} is not a key: one is 32 bytes in URL-safe base64, as `grantwire secrets new-key` prints it."
        )
    return urlsafe_b64decode(word[:43] + "=")


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"grantwire secret key\n" + key).hexdigest()[:8]
