"""The house stands as drawn: every wall in pyproject.toml is shown to catch a planted violation."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = {
    "scheduler": "scheduler/service.py",
    "collector-organization": "collectors/organization/service.py",
    "collector-iam": "collectors/iam/service.py",
    "collector-credentials": "collectors/credentials/service.py",
    "collector-identity-center": "collectors/identity_center/service.py",
    "collector-scim": "collectors/scim/service.py",
    "projector": "projector/service.py",
    "provisioner": "provisioner/service.py",
    "relay": "relay/service.py",
    "api": "api/service.py",
}
LOCKS = ["requirements.lock", "requirements.runtime.lock"]
RUN = "from importlinter.cli import lint_imports_command as run; run()"

PLANTED = [
    ("a library imports a service", "libs/grantwire/graph/planted.py", "import grantwire.projector", "layers"),
    ("siblings see each other", "libs/grantwire/bus/planted.py", "import grantwire.graph", "layers"),
    ("services import each other", "services/grantwire/relay/planted.py", "import grantwire.projector", "layers"),
    ("a folder that nobody placed", "libs/grantwire/extra/__init__.py", "", "layers"),
    ("the cli sees AWS", "services/grantwire/cli/planted.py", "import grantwire.aws.session", "aws-door"),
    (
        "the scheduler sees the SCIM endpoint",
        "services/grantwire/scheduler/planted.py",
        "import grantwire.scim",
        "aws-door",
    ),
    ("the client sees the graph", "libs/grantwire/client/planted.py", "import grantwire.graph", "client-light"),
    ("the client imports boto3", "libs/grantwire/client/planted.py", "import boto3", "client-light"),
    (
        "the client rests on the services' bus",
        "libs/grantwire/client/planted.py",
        "import grantwire.bus",
        "client-light",
    ),
    ("scim sees a sibling", "libs/grantwire/scim/planted.py", "import grantwire.aws.codes", "layers"),
    ("a service speaks HTTP", "services/grantwire/collectors/planted.py", "import httpx", "http-door"),
    ("a library speaks HTTP", "libs/grantwire/aws/planted.py", "import httpcore", "http-door"),
    ("the guard does I/O", "libs/grantwire/scim/guard.py", "import socket", "pure-rules"),
    ("a service imports boto3", "services/grantwire/collectors/planted.py", "import boto3", "outside-worlds"),
    ("a service imports asyncpg", "services/grantwire/projector/planted.py", "import asyncpg", "outside-worlds"),
    (
        "a collector writes the graph",
        "services/grantwire/collectors/planted.py",
        "import grantwire.graph.apply",
        "graph-writes",
    ),
    ("the manifest asks the server", "libs/grantwire/identity/manifest.py", "import nats", "pure-rules"),
    ("a rule does I/O", "services/grantwire/scheduler/timetable.py", "import asyncio", "pure-rules"),
    (
        "the sandbox sees a sibling",
        "libs/grantwire/sandbox/planted.py",
        "import grantwire.contracts.ids",
        "sandbox-alone",
    ),
    ("the sandbox imports boto3", "libs/grantwire/sandbox/planted.py", "import boto3", "sandbox-alone"),
    ("the truth asks the server", "libs/grantwire/sandbox/truth.py", "import botocore", "sandbox-truth"),
]


def lint(tree: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Import-linter over a copy: -S keeps the editable install's own tree out of sight."""
    paths = [tree / "libs", tree / "services", sysconfig.get_path("purelib")]
    command = [sys.executable, "-S", "-c", RUN, "--no-cache", *(["--contract", contract] if contract else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("house")
    for name in ("libs", "services"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def test_the_walls_stand(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("what", "file", "line", "contract"), PLANTED, ids=[row[0] for row in PLANTED])
def test_a_planted_violation_is_caught(copy: Path, what: str, file: str, line: str, contract: str) -> None:
    planted = copy / file
    before = planted.read_text() if planted.exists() else None
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"{line}\n{before or ''}".replace("from __future__", "# from __future__"))
    try:
        done = lint(copy, contract)
        assert done.returncode != 0, f"{what} was not caught:\n{done.stdout}"
        assert "planted" in done.stdout or "extra" in done.stdout or Path(file).stem in done.stdout, done.stdout
    finally:
        planted.write_text(before) if before is not None else planted.unlink()
        if before is None and not any(planted.parent.glob("*.py")):
            shutil.rmtree(planted.parent)


def test_the_namespace_roots_hold_no_init() -> None:
    """One stray file would hide the other root."""
    assert not [root for root in ("libs", "services") if (ROOT / root / "grantwire" / "__init__.py").exists()]


@pytest.mark.parametrize("path", SERVICES.values())
def test_every_service_reads_the_same_way(path: str) -> None:
    text = (ROOT / "services" / "grantwire" / path).read_text()
    parts = [text.index(part) for part in ("\nclass Settings(", "def assemble(", "\nasync def build(", "\ndef main(")]
    assert parts == sorted(parts), "Settings, assemble, build, main: in this order"


@pytest.mark.parametrize(
    "name", [*LOCKS, "pyproject.toml", "Makefile", ".ci/run", "README.md", "deploy/Dockerfile", "docker-compose.yml"]
)
def test_no_registry_or_machine_path_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not [
        word for word in ("pypi.org", "files.pythonhosted", "index-url", "/opt/", "/work/", "/root/") if word in text
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    names = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in names)
    assert sum("--hash=sha256:" in line for line in lines) >= len(names)


def test_a_check_whose_tool_is_missing_is_not_run_and_never_passes(tmp_path: Path) -> None:
    done = subprocess.run(["sh", str(ROOT / "tools" / "check.sh")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stdout.count("NOT RUN: ") == 7
