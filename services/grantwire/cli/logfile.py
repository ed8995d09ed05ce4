"""Where the log lines of a whole house in one process go: into a file, so that the terminal stays readable."""

import logging
import logging.handlers
from pathlib import Path
from typing import Final

from grantwire.local import StateDir

_BYTES: Final = 20 * 1024 * 1024


def path_in(state: StateDir) -> Path:
    return state.folder("logs") / "grantwire.log"


def into_file(path: Path) -> None:
    """Send the lines that telemetry has set up to a file instead of stderr. The file is kept small and private."""
    root = logging.getLogger()
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(root.handlers[0].formatter if root.handlers else None)
    root.handlers[:] = [handler]
    path.chmod(0o600)
