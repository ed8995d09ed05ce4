#!/bin/sh
# Makes .venv from bare python3: uv from the lock first, then everything by hash, then Grantwire itself, editable.
set -eu
say() { printf '%s\n' "$*" >&2; }
PYTHON=${PYTHON:-python3}

command -v "$PYTHON" >/dev/null 2>&1 || { say "make: $PYTHON is missing. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 demo"; exit 1; }
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  say "make: $PYTHON is $("$PYTHON" -V 2>&1), Grantwire needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3 demo"; exit 1; }
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || {
  say "make: $PYTHON has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

say "grantwire: preparing .venv (once; about 30 s)"
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
lock=$(mktemp) && trap 'rm -f "$lock"' EXIT
# pip installs uv alone, by the lock's own hashes; uv installs the rest far faster than pip would.
awk '/^[A-Za-z0-9]/ {keep = /^uv==/} keep' requirements.lock > "$lock"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r "$lock"
.venv/bin/uv pip sync -q --python .venv/bin/python --require-hashes requirements.lock
.venv/bin/uv pip install -q --python .venv/bin/python --no-deps -e .
# Compiled once, here: uv leaves that to the first start, and with PYTHONDONTWRITEBYTECODE in force to every start.
compiled() { PYTHONDONTWRITEBYTECODE= .venv/bin/python -c "$1"; }
# The modules named one by one are those that libraries import late.
compiled 'import alembic.command, sqlalchemy.dialects.postgresql, requests, yaml, pydantic.v1, httpcore
import anyio._backends._asyncio, typer._adapters
import grantwire.cli.main, grantwire.cli.live' &
compiled 'import uvicorn.protocols.http.auto, uvicorn.protocols.websockets.auto
import grantwire.sandbox.server, grantwire.local.traces
from grantwire.cli.catalog import load_services; load_services()
from grantwire.telemetry import instrument; instrument(asyncpg=True, botocore=True)'
wait
touch .venv/ready
