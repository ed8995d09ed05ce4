"""Grantwire as it runs in life: a sandbox, the local servers and every service as a process of its own.

Everything listens on loopback and dies with its parent; ``kill`` is ``kill -9`` and brings the process back. All are
forked from one process that has read their modules, which is most of what starting them would take.
"""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support import nursery
from tests.support.keys import SECRET_KEY
from tests.support.nursery import GRANTWIRE, Forked

SERVICES = (
    "scheduler",
    "collector-organization",
    "collector-iam",
    "collector-credentials",
    "collector-identity-center",
    "collector-scim",
    "projector",
    "provisioner",
    "relay",
)


@dataclass
class Sandbox:
    """A simulated AWS account, or an organization of them, in a process of its own."""

    facts: dict[str, Any]
    process: Forked

    @property
    def endpoint(self) -> str:
        return str(self.facts["endpoint"])

    @property
    def account(self) -> str:
        return str(self.facts["account"])

    @property
    def organization(self) -> str:
        """The organization's id."""
        return str(self.facts["organization"]["id"])

    @property
    def members(self) -> list[str]:
        """The accounts of the organization as planned, the management account first."""
        return [self.account, *self.facts["organization"]["member_accounts"]]

    def connector(self, plan: str = "bulk", name: str = "prod") -> dict[str, Any]:
        """``bulk`` and ``minimum`` read the account alone; ``organization``, ``delegated`` and their ``_minimum`` ones
        read every account, and know the external ids that some child roles ask for."""
        found = dict(self.facts["connectors"][plan])
        if found.pop("unreachable", None) is None:
            return {"id": name, **found}
        asked = self.facts["organization"]["child_external_id"]
        overrides = {account: {"external_id": external_id} for account, external_id in asked.items()}
        return {"id": name, "organizations": True, "account_overrides": overrides, **found}

    @property
    def scim(self) -> dict[str, Any]:
        """The settings of a connector that reads its SCIM endpoint too."""
        given = self.facts["scim"]
        return {"scim": True, "scim_endpoint": given["endpoint"], "scim_token": given["token"]}

    def environment(self, who: str = "credentials") -> dict[str, str]:
        """What any AWS SDK needs to speak to it, and the SCIM collector."""
        keys = self.facts[who]
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_DEFAULT_REGION": self.facts["region"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "GRANTWIRE_SCIM_ALLOWED_ORIGINS": self.endpoint,
        }

    def get(self, path: str) -> Any:
        return json.loads(self.text(path))

    def text(self, path: str, method: str = "GET", body: Any = None) -> str:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())

    def fault(self, *rules: dict[str, Any]) -> None:
        self.text("faults", "POST", list(rules))

    def heal(self) -> None:
        self.text("faults", "DELETE")

    def fired(self) -> int:
        return sum(rule["fired"] for rule in self.get("faults"))

    def calls(self) -> dict[str, int]:
        counted = self.get("calls")
        return dict(counted.get("operations", counted))

    def forget_calls(self) -> None:
        self.text("calls", "DELETE")

    def truth(
        self, plan: str = "bulk", *, reader: str = "organization", accounts: Iterable[str] | None = None
    ) -> list[str]:
        """Of an organization: with the IAM of ``accounts``, else of those that ``reader`` can enter now."""
        only = "" if accounts is None else f"&accounts={','.join(accounts)}"
        return self.text(f"truth?plan={plan}&reader={reader}{only}").splitlines()

    def unread(self, plan: str = "bulk") -> list[str]:
        return list(self.get(f"truth/unread?plan={plan}"))

    def unreachable(self, reader: str = "organization") -> dict[str, str]:
        """The accounts that ``reader`` cannot enter now, and why."""
        return dict(self.get(f"truth/unreachable?reader={reader}"))

    def change(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """Change the organization behind its back: {"account", "state"}, {"leave"}, {"join"}, {"move": [account, to]}.
        Without a change, only look; returns what it is then."""
        shown: dict[str, Any] = json.loads(
            self.text("organization", "POST" if changes else "GET", list(changes) or None)
        )
        return shown

    def unit(self, name: str) -> str:
        """The id of an organizational unit whose name is not shared."""
        (found,) = [unit["id"] for unit in self.change()["units"] if unit["name"] == name]
        return str(found)

    def admin(self, service: str = "iam", account: str | None = None) -> Any:
        """A boto3 client that may change anything in the account: the sandbox's own, or another of the organization."""
        import boto3

        keys = self.facts["admin_of"][account] if account else self.facts["admin_credentials"]
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=self.facts["region"],
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )


@contextmanager
def sandbox(seed: int = 1, *options: str) -> Iterator[Sandbox]:
    """A sandbox that must answer every call it is asked: an unimplemented one fails whoever made it."""
    command = ["grantwire.sandbox", "--seed", str(seed), "--port", "0", *options]
    process = nursery.start(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield (running := Sandbox(json.loads(process.stdout.readline()), process))
        assert running.get("violations") == [], "a call that the sandbox does not answer was made"
    finally:
        process.terminate()
        process.wait(60)


@dataclass
class World:
    """The processes, and the means to kill them. ``collector-iam:2`` is one more replica of ``collector-iam``."""

    state: Path
    environment: dict[str, str]
    local: Forked
    urls: dict[str, Any]
    services: dict[str, Forked] = field(default_factory=dict)
    program: str = GRANTWIRE
    kills: dict[str, int] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        return str(self.urls["database_url"])

    @property
    def nats_url(self) -> str:
        return str(self.urls["nats_url"])

    def start(self, *names: str) -> None:
        for name in names:
            service = name.partition(":")[0]
            command, told = [self.program, "run", service], self.environment | self.login(service)
            with (self.state / f"{name}.log").open("ab") as log:
                self.services[name] = nursery.start(command, env=told, stdout=log, stderr=log)

    def login(self, service: str) -> dict[str, str]:
        """A key of its own, and no password: what it is not allowed it cannot do here either."""
        key = self.state / "secrets" / f"nkey-{service}"
        url = urlsplit(self.nats_url)
        return {"GRANTWIRE_NATS_URL": f"nats://{url.hostname}:{url.port}", "GRANTWIRE_NATS_NKEY_FILE": str(key)}

    def stop(self, name: str) -> None:
        self.services[name].send_signal(signal.SIGTERM)
        self.services.pop(name).wait(60)

    def end(self) -> None:
        for process in self.services.values():
            _end(process)

    def kill(self, name: str) -> None:
        """``kill -9``; a service is started again at once, a server by its supervisor."""
        self.kills[name] = self.kills.get(name, 0) + 1
        if name in self.services:
            self.services[name].kill()
            self.services.pop(name).wait(60)
            self.start(name)
        elif (pid := self._server(name)) is not None:
            os.kill(pid, signal.SIGKILL)

    def _server(self, name: str) -> int | None:
        """The pid of a local server right now: children of the supervisor, told apart by their command."""
        for entry in Path(f"/proc/{self.local.pid}/task/{self.local.pid}/children").read_text().split():
            command = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")[0]
            if (b"nats" in command) == (name == "nats") and (b"postgres" in command or b"nats" in command):
                return int(entry)
        return None

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.state.glob("*.log")))


@contextmanager
def world(state: Path, aws: dict[str, str], *services: str) -> Iterator[World]:
    """The local servers prepared (schema, streams), and the named services running against them."""
    environment = {**os.environ, **aws, "GRANTWIRE_STATE_DIR": str(state), "GRANTWIRE_SECRET_KEY": SECRET_KEY}
    with ExitStack() as undo:
        errors = undo.enter_context((state.parent / f"{state.name}-local.log").open("ab"))
        command = ["grantwire.local", "--state-dir", str(state)]
        local = nursery.start(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        undo.callback(_end, local)
        assert local.stdout is not None
        urls = json.loads(local.stdout.readline())
        environment |= {"GRANTWIRE_DATABASE_URL": urls["database_url"], "GRANTWIRE_NATS_URL": urls["nats_url"]}
        running = World(state, environment, local, urls)
        undo.callback(running.end)
        for prepare in (("db", "upgrade"), ("bus", "apply")):
            nursery.run([GRANTWIRE, *prepare], env=environment, check=True, timeout=170)
        running.start(*services)
        yield running


def _end(process: Forked) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
