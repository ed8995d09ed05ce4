"""The command line as a person runs it: a process, its exit code, what it printed."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.world import GRANTWIRE


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def grantwire(*arguments: str | Path, env: dict[str, str] | None = None, timeout: float = 90) -> Done:
    """Run ``grantwire`` to its end."""
    done = subprocess.run(
        [GRANTWIRE, *map(str, arguments)],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def connectors_file(path: Path, *connectors: dict[str, Any]) -> Path:
    """A connectors.yaml; JSON is YAML."""
    path.write_text(json.dumps({"connectors": list(connectors)}))
    return path
