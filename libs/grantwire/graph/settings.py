"""Where a process finds the keys of connectors' secrets, and how fast it may ask AWS."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire.contracts.failures import SecretKeyError
from grantwire.graph.budgets import Pace
from grantwire.graph.keys import Keys


class KeySettings(BaseSettings):
    """Keys newest first: ``secret_key`` divides them by commas, ``secret_key_file`` has one a line. The first encrypts,
    all decrypt."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None

    def given(self) -> dict[str, str]:
        """What another process must be told to have the same keys, by the fields' names."""
        secret = self.secret_key.get_secret_value() if self.secret_key is not None else ""
        told = {"secret_key": secret, "secret_key_file": str(self.secret_key_file or "")}
        return {name: value for name, value in told.items() if value}

    def keys(self) -> Keys:
        """None given is no error here: only a secret needs one. Raises ``SecretKeyError`` for a malformed key and for a
        file that cannot be read or holds none."""
        if self.secret_key is not None and (text := self.secret_key.get_secret_value().strip()):
            return Keys.parse(text, "GRANTWIRE_SECRET_KEY")
        return _read(self.secret_key_file) if self.secret_key_file is not None else Keys()


class PaceSettings(BaseSettings):
    """Calls a second, all processes together; 0 is as many as there are."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    iam_rate: float = Field(default=20.0, ge=0)  # to the IAM of one account
    organizations_rate: float = Field(default=20.0, ge=0)
    identity_center_rate: float = Field(default=20.0, ge=0)  # to one Identity Center; AWS allows 20

    def paces(self) -> dict[str, Pace]:
        """How fast each API family may be asked."""
        return {
            "iam": Pace.of(self.iam_rate),
            "organizations": Pace.of(self.organizations_rate),
            "identity-center": Pace.of(self.identity_center_rate),
        }


def _read(path: Path) -> Keys:
    try:
        keys = Keys.parse(path.read_text(), str(path))
    except OSError as error:
        raise SecretKeyError(f"The secret key file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise SecretKeyError(f"The secret key file {path} is not text.") from None
    if not keys:
        raise SecretKeyError(f"The secret key file {path} is empty: `grantwire secrets new-key > {path}` fills it.")
    return keys
