"""The deployment files, offline: the real validators accept them and catch planted mistakes, and they keep promises."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from grantwire import bus
from grantwire.cli.catalog import HELPERS, SERVICES, load
from grantwire.contracts.streams import STREAMS
from grantwire.graph.settings import KeySettings
from grantwire.local.ports import choose
from tests.support.eventually import eventually

ROOT = Path(__file__).parents[2]
BIN = Path(sys.prefix) / "bin"
COMPOSE = ROOT / "docker-compose.yml"
AWS = ROOT / "deploy" / "compose.aws.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
NATS_CONF = ROOT / "deploy" / "nats" / "nats.conf"
SERVERS = {"nats", "postgres", "jaeger"}
SECRETS = (
    *("GRANTWIRE_POSTGRES_PASSWORD", "GRANTWIRE_NATS_PASSWORD", "GRANTWIRE_ADMIN_TOKEN"),
    "GRANTWIRE_SECRET_KEY_FILE",
)
AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
GIVEN = {name: f"given-{name.lower()}" for name in (*SECRETS, *AWS_KEYS)}


def run(*command: object, given: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | (given or {})
    return subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True, timeout=120)


def config(*files: Path, given: dict[str, str] | None = None, quiet: bool = True) -> subprocess.CompletedProcess[str]:
    named = [word for file in files for word in ("-f", file)]
    tail = ["config", *(["-q"] if quiet else [])]
    known = GIVEN if given is None else given
    return run(
        BIN / "docker-compose", "--env-file", os.devnull, "--project-directory", ROOT, *named, *tail, given=known
    )


def resolved(*files: Path) -> dict[str, Any]:
    """The services as Compose understands them, anchors, merges and variables in place."""
    done = config(*files, quiet=False)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


@pytest.mark.parametrize("files", [(COMPOSE,), (COMPOSE, AWS)], ids=["sandbox", "real AWS"])
def test_compose_accepts_ours(files: tuple[Path, ...]) -> None:
    done = config(*files)
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("nats: {condition: service_healthy}", "nats: {condition: service_happy}", "condition"),
        ("    depends_on: *prepared", "    depend_on: *prepared", "depend_on"),
        ("depends_on: *prepared", "depends_on: {nowhere: {condition: service_started}}", "nowhere"),
    ],
    ids=["bad condition", "unknown key", "undefined service"],
)
def test_compose_catches_a_planted_mistake(tmp_path: Path, before: str, after: str, said: str) -> None:
    planted = tmp_path / "docker-compose.yml"
    text = COMPOSE.read_text()
    assert before in text
    planted.write_text(text.replace(before, after, 1))
    done = config(planted)
    assert done.returncode != 0 and said in done.stderr


def test_hadolint_accepts_ours() -> None:
    done = run(BIN / "hadolint", DOCKERFILE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("line", "rule"),
    [("FROM python:latest", "DL3007"), ("RUN cd /tmp && pip install requests", "DL3013"), ("USER root", "DL3002")],
)
def test_hadolint_catches_a_planted_mistake(tmp_path: Path, line: str, rule: str) -> None:
    planted = tmp_path / "Dockerfile"
    planted.write_text(f"{DOCKERFILE.read_text()}\n{line}\n")
    done = run(BIN / "hadolint", planted)
    assert done.returncode != 0 and rule in done.stdout


def test_every_container_is_a_server_or_runs_a_service_that_we_have() -> None:
    services = resolved(COMPOSE)
    ours = set(services) - SERVERS - {"prepare"}
    assert ours == {*SERVICES, "sandbox"}
    for name in ours:
        assert services[name]["command"][:2] == ["run", name]
        assert services[name]["build"]["args"] == {"SERVICE": name}


def test_every_image_has_an_extra_to_install() -> None:
    """As the Dockerfile's `case` does: a collector's extra is `collectors`."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    built = {each["build"]["args"]["SERVICE"] for each in resolved(COMPOSE).values() if "build" in each}
    assert built <= {*SERVICES, *HELPERS}
    assert {"collectors" if name.startswith("collector-") else name for name in built} | {"cli"} <= set(extras)


@pytest.mark.parametrize("files", [(COMPOSE,), (COMPOSE, AWS)], ids=["sandbox", "real AWS"])
def test_ports_are_published_on_loopback_only(files: tuple[Path, ...]) -> None:
    services = resolved(*files)
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert sorted(port["published"] for port in ports) == ["16686", "8470"]
    assert not [name for name, each in services.items() if each.get("network_mode") == "host"]


def test_nothing_of_ours_starts_before_the_servers_are_prepared() -> None:
    services = resolved(COMPOSE)
    for name in SERVICES:
        assert services[name]["depends_on"]["prepare"]["condition"] == "service_completed_successfully"
    assert {each["condition"] for each in services["prepare"]["depends_on"].values()} == {"service_healthy"}


def test_real_aws_never_meets_the_sandbox() -> None:
    services = resolved(COMPOSE, AWS)
    assert "sandbox" not in services
    for service in services.values():
        assert not {"AWS_ENDPOINT_URL", "GRANTWIRE_SCIM_ALLOWED_ORIGINS"} & set(service.get("environment", {}))
        assert "network_mode" not in service
        assert "sandbox" not in service.get("depends_on", {})


@pytest.mark.parametrize("files", [(COMPOSE,), (COMPOSE, AWS)], ids=["sandbox", "real AWS"])
def test_who_reads_secrets_has_the_keys_and_nobody_else(files: tuple[Path, ...]) -> None:
    services = resolved(*files)
    readers = {name for name in SERVICES if issubclass(load(name).Settings, KeySettings)}
    assert readers and {name for name, each in services.items() if each.get("secrets")} == readers
    for name in readers:
        (secret,) = services[name]["secrets"]
        mounted = services[name]["environment"]["GRANTWIRE_SECRET_KEY_FILE"]
        assert mounted == secret.get("target", f"/run/secrets/{secret['source']}")


@pytest.mark.parametrize("missing", [*SECRETS, *AWS_KEYS])
def test_a_secret_that_nobody_gave_stops_compose(missing: str) -> None:
    done = config(COMPOSE, given={name: value for name, value in GIVEN.items() if name != missing})
    assert done.returncode != 0 and missing in done.stderr


@pytest.mark.parametrize("missing", SECRETS)
def test_an_empty_secret_stops_compose(missing: str) -> None:
    assert config(COMPOSE, given=GIVEN | {missing: ""}).returncode != 0


def test_no_secret_is_written_down() -> None:
    text = COMPOSE.read_text() + AWS.read_text() + NATS_CONF.read_text() + DOCKERFILE.read_text()
    named = re.findall(r"(?im)^\s*\w*(?:password|token|access_key|access_key_id)[ \t]*[:=][ \t]*(\S+)", text)
    assert named and not [value for value in named if not value.lstrip("'\"").startswith("$")], named
    assert not re.findall(r"://[^\s:/@]+:(?!\$\{)[^\s@]+@", text), "a URL with a password of its own"
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert example == dict.fromkeys((*SECRETS, *AWS_KEYS), "")


def test_every_image_is_pinned_by_a_tag() -> None:
    images = [each["image"] for each in resolved(COMPOSE).values()] + re.findall(
        r"^FROM (\S+)", DOCKERFILE.read_text(), re.M
    )
    assert not [image for image in images if not re.search(r":[\w.-]+$", image) or image.endswith(":latest")]


def test_nats_syncs_every_write_and_has_room_for_the_streams() -> None:
    text = NATS_CONF.read_text()
    assert re.search(r"^\s*sync_interval: always$", text, re.MULTILINE)
    room = re.search(r"^\s*max_file_store: (\d+)GB$", text, re.MULTILINE)
    assert room and int(room[1]) * 10**9 >= sum(stream.max_bytes for stream in STREAMS)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[int]:
    """The test environment's nats-server with our configuration; only ports and folder differ."""
    port, http = choose(), choose()
    text = (
        NATS_CONF.read_text()
        .replace("0.0.0.0:4222", f"127.0.0.1:{port}")
        .replace("127.0.0.1:8222", f"127.0.0.1:{http}")
    )
    (tmp_path / "nats.conf").write_text(text.replace('"/data"', f'"{tmp_path / "store"}"'))
    # The value as Compose hands it over, of a password that bare would be read as a number.
    password = resolved_password("7e5")
    child = subprocess.Popen(
        [str(BIN / "nats-server"), "-c", str(tmp_path / "nats.conf"), "-l", str(tmp_path / "log")],
        env={"NATS_PASSWORD": password},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(tmp_path / "store", ignore_errors=True)


def resolved_password(given: str) -> str:
    done = config(COMPOSE, given=GIVEN | {"GRANTWIRE_NATS_PASSWORD": given}, quiet=False)
    value: str = yaml.safe_load(done.stdout)["services"]["nats"]["environment"]["NATS_PASSWORD"]
    return value


async def test_a_real_nats_takes_our_configuration_and_wants_the_password(nats: int) -> None:
    async def applied() -> bool:
        try:
            await bus.apply(f"nats://grantwire:7e5@127.0.0.1:{nats}")
        except Exception:
            return False
        return True  # whatever it made: a first try may have been cut short

    assert await eventually(applied)
    with pytest.raises(Exception, match=r"(?i)authori[sz]ation|password|refused|denied"):
        await asyncio.wait_for(bus.apply(f"nats://grantwire:wrong@127.0.0.1:{nats}"), 60)
