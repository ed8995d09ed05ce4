"""The command line as a person runs it: a process, its exit code, what it printed."""

import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grantwire.cli.main import invoke, make
from tests.support import nursery
from tests.support.nursery import GRANTWIRE


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def grantwire(*arguments: str | Path, env: dict[str, str] | None = None, timeout: float = 170) -> Done:
    """Run ``grantwire`` to its end."""
    done = nursery.run([GRANTWIRE, *map(str, arguments)], env={**os.environ, **(env or {})}, timeout=timeout)
    return Done(done.returncode, done.stdout, done.stderr)


def within(*arguments: str | Path) -> Done:
    """The same in this process: for a command that only asks an api, and a tenth of the time."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["grantwire", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = int(invoke(make()))
    finally:
        sys.argv = before
    return Done(code, out.getvalue(), err.getvalue())


def connectors_file(path: Path, *connectors: dict[str, Any]) -> Path:
    """A connectors.yaml; JSON is YAML."""
    path.write_text(json.dumps({"connectors": list(connectors)}))
    return path
