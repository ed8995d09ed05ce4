"""What the command line is told from outside, and where it finds a running api."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from grantwire.cli.exits import Exit, Stop

API_FILE: Final = "api.json"  # in the state directory while an api serves it
TOKEN_FILE: Final = Path("secrets") / "admin-token"
SECRET_KEY_FILE: Final = Path("secrets") / "secret-key"


class Settings(BaseSettings):
    """Read from `GRANTWIRE_*`."""

    model_config = SettingsConfigDict(env_prefix="GRANTWIRE_", frozen=True)
    state_dir: Path | None = None
    api_url: str | None = None
    admin_token: SecretStr | None = None
    admin_token_file: Path | None = None
    database_url: str | None = None
    nats_url: str | None = None
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True)
class Target:
    """An api to speak to. ``traces`` is the viewer that belongs to it, if it has one."""

    url: str
    token: str
    traces: str | None = None
    state_dir: Path | None = None


def up_state_dir() -> Path:
    """Where `up` keeps its state unless told otherwise."""
    from grantwire.local.settings import default_state_dir

    return default_state_dir()


def demo_state_dir() -> Path:
    """Where `demo` keeps its state: beside `up`'s, so that a simulated account never mixes with a real one."""
    return up_state_dir().with_name("grantwire-demo")


def find_api(state_dir: Path | None, settings: Settings) -> Target:
    """The api that --state-dir, the environment or the usual places point to. Raises ``Stop`` when there is none."""
    if state_dir is None and settings.api_url:
        return Target(settings.api_url.rstrip("/"), _token(settings, None))
    chosen = state_dir or settings.state_dir
    places = [chosen] if chosen else [up_state_dir(), demo_state_dir()]
    for place in places:
        if (found := _announced(place)) is not None:
            return Target(found["url"], _token(settings, place), found.get("traces"), place)
    raise not_running(places)


def not_running(places: list[Path]) -> Stop:
    looked = " and ".join(str(place) for place in places)
    return Stop(
        Exit.FAILED,
        f"No Grantwire is running with the state directory {looked}.",
        "Run `grantwire demo` or `grantwire up`, or name a running one with --state-dir or GRANTWIRE_API_URL.",
    )


def is_served(place: Path) -> bool:
    """Whether a running process serves this state directory."""
    return _announced(place) is not None


def _announced(place: Path) -> dict[str, Any] | None:
    """What the process that serves this directory wrote there. What a killed one left behind does not count."""
    try:
        found: dict[str, Any] = json.loads((place / API_FILE).read_text())
        return found if _alive(int(found["pid"])) else None
    except (OSError, ValueError, KeyError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and somebody else's
    return True


def _token(settings: Settings, place: Path | None) -> str:
    if settings.admin_token is not None:
        return settings.admin_token.get_secret_value()
    path = settings.admin_token_file or (place / TOKEN_FILE if place else None)
    if path is None:
        raise Stop(Exit.DENIED, "GRANTWIRE_API_URL is set, but no admin token.", "Set GRANTWIRE_ADMIN_TOKEN_FILE.")
    try:
        return path.read_text().strip()
    except OSError as error:
        raise Stop(
            Exit.DENIED,
            f"The admin token {path} cannot be read: {error.strerror}.",
            "Run as the account that started Grantwire, or set GRANTWIRE_ADMIN_TOKEN_FILE.",
        ) from error
