"""Where the local stack keeps its state; the only file here that looks at the environment."""

import os
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire.local.errors import NoAccount


class LocalSettings(BaseSettings):
    """Read from `GRANTWIRE_*`."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True, extra="ignore")

    state_dir: Path | None = None

    def chosen_state_dir(self) -> Path:
        """`GRANTWIRE_STATE_DIR`, or the usual place for this account. Raises NoAccount if it has no home."""
        return self.state_dir or default_state_dir()


def default_state_dir() -> Path:
    """`/var/lib/grantwire` for root, `~/.local/share/grantwire` for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/grantwire")
    try:
        return Path.home() / ".local" / "share" / "grantwire"
    except RuntimeError as error:
        raise NoAccount(os.geteuid()) from error
