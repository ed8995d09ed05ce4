"""Letting ourselves in: by a key, where one is given, or else by what the URL says."""

from pathlib import Path
from typing import Any

from nats.aio.client import Client
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire.contracts.failures import GrantwireError, Invalid
from grantwire.identity import public_key, sign


class BusSettings(BaseSettings):
    """Where NATS is, and as whom to come. Without a key the URL may hold user and password."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    nats_url: str
    nats_nkey: SecretStr | None = None
    nats_nkey_file: Path | None = None

    def given(self) -> dict[str, str]:
        """What another process must be told to come as the same, by the fields' names."""
        key = self.nats_nkey.get_secret_value() if self.nats_nkey is not None else ""
        told = {"nats_url": self.nats_url, "nats_nkey": key, "nats_nkey_file": str(self.nats_nkey_file or "")}
        return {name: value for name, value in told.items() if value}

    def seed(self) -> str | None:
        """The seed of this process's key, or None. Raises ``GrantwireError`` for a file that cannot be read or holds
        no seed."""
        if self.nats_nkey is not None and (given := self.nats_nkey.get_secret_value().strip()):
            return _checked(given, "GRANTWIRE_NATS_NKEY")
        return read_seed(self.nats_nkey_file) if self.nats_nkey_file is not None else None


class KeyedClient(Client):
    """A client that signs the server's nonce. nats-py itself would need one more package for it."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._public_nkey = public_key(seed)
        self._signing_seed = seed

    async def connect(self, *arguments: Any, **options: Any) -> None:
        await super().connect(*arguments, **(options | {"signature_cb": self._signed}))

    def _signed(self, nonce: str) -> bytes:
        return sign(self._signing_seed, nonce)


def client(seed: str | None) -> Client:
    """A client that is not connected yet. Raises ``Invalid`` for what is no seed."""
    return Client() if seed is None else KeyedClient(seed)


def read_seed(path: Path) -> str:
    """The seed in a file. Raises ``GrantwireError`` when it cannot be read or is none."""
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise GrantwireError(f"The NATS key file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise GrantwireError(f"The NATS key file {path} is not text.") from None
    return _checked(text, str(path))


def _checked(seed: str, where: str) -> str:
    """``seed``, if it is one; the error says where it came from, and not what it was."""
    try:
        public_key(seed)
    except Invalid as error:
        raise GrantwireError(f"{where}: {error}") from None
    return seed
