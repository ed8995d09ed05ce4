"""The simulated AWS of the demo: a child process, and the only place that sets this process's AWS variables."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from grantwire.cli.exits import Exit, Stop
from grantwire.contracts.connectors import AccountOverride, Connector
from grantwire.local import StateDir

SCIM_ALLOWED: Final = "GRANTWIRE_SCIM_ALLOWED_ORIGINS"
RULES: Final = "GRANTWIRE_RULES_FILE"
_NOTE: Final = "demo.json"  # which simulation the state directory holds
_KEPT: Final = ("lock", "version")
# Few permission sets: AWS gives all of Identity Center 20 calls a second, and each set takes six.
_DIRECTORY: Final = ("--identity-center", "--scim", "--permission-sets", "6", "--provisioned", "18")
_ALONE: Final = {"users": 100, "groups": 20, "roles": 50}
_MEMBER: Final = {"users": 20, "groups": 8, "roles": 20}


@dataclass(frozen=True)
class Simulation:
    """What to simulate; the accounts follow from it. Sizes are those of each account."""

    seed: int
    users: int
    groups: int
    roles: int
    accounts: int = 1

    def arguments(self) -> list[str]:
        sizes = [word for name, value in asdict(self).items() for word in (f"--{name}", str(value))]
        return [*sizes, "--credentials", "--provisioning", *(_DIRECTORY if self.accounts > 1 else ())]


@dataclass(frozen=True)
class Reader:
    """Who reads the organization, and with which permissions."""

    plan: str = "bulk"
    delegated: bool = False

    @property
    def name(self) -> str:
        """As the simulation's own pages call it."""
        return "delegated" if self.delegated else "organization"


def simulation_of(seed: int, accounts: int, **sizes: int | None) -> Simulation:
    """What was asked for. An account of an organization is smaller, unless its sizes are given."""
    usual = _ALONE if accounts == 1 else _MEMBER
    chosen = {name: usual[name] if given is None else given for name, given in sizes.items()}
    return Simulation(seed, chosen["users"], chosen["groups"], chosen["roles"], accounts)


class Sandbox:
    """The child process. ``facts`` waits for its one line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def facts(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise Stop(Exit.FAILED, f"The simulated AWS did not start (exit {await self._process.wait()}).")
        found: dict[str, Any] = json.loads(line)
        return found

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def sandbox(simulation: Simulation, *options: str) -> AsyncIterator[Sandbox]:
    """The child, starting. It ends with this process, however that ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "grantwire.sandbox", "--port", "0", "--parent-pid", str(os.getpid()), *simulation.arguments()),
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop it when nobody asks it any more
    )
    child = Sandbox(process)
    try:
        yield child
    finally:
        await child.stop()


def aim_at(facts: dict[str, Any]) -> None:
    """Make every client of AWS, of this process and its children, speak to the simulated one, whatever was set before.
    The simulated SCIM endpoint is on this machine, which has to be allowed by name. Rules of one's own stay."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    credentials = facts["credentials"]
    os.environ["AWS_ENDPOINT_URL"] = facts["endpoint"]
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    os.environ["AWS_ACCESS_KEY_ID"] = credentials["access_key_id"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials["secret_access_key"]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ[SCIM_ALLOWED] = facts["endpoint"]
    os.environ.setdefault(RULES, str(Path(__file__).with_name("demo_rules.yaml")))


def title(facts: Mapping[str, Any]) -> str:
    """What is simulated, in capitals: nobody should take it for the real thing."""
    organization = facts.get("organization")
    if organization is None:
        return f"SIMULATED ACCOUNT {facts['account']} (seed {facts['seed']}): made-up data, not for production."
    size = f"{len(organization['member_accounts']) + 1} accounts, seed {facts['seed']}"
    return f"SIMULATED ORGANIZATION {organization['id']} ({size}): made-up data, not for production."


def connector_of(facts: Mapping[str, Any], reader: Reader) -> Connector:
    """The demo's connector: of the organization where there is one, else of the account. Few permissions are not enough
    for credentials."""
    secrets = reader.plan == "bulk"
    if "organization" not in facts:
        role = facts["connectors"][reader.plan]
        given = {"role_arn": role["role_arn"], "external_id": role["external_id"], "sync_secrets": secrets}
        return Connector(id="demo", name="Simulated account", provisioning=True, **given)
    role = facts["connectors"][reader.name + ("" if reader.plan == "bulk" else "_minimum")]
    asked = facts["organization"]["child_external_id"]
    return Connector(
        id="demo",
        name="Simulated organization",
        role_arn=role["role_arn"],
        external_id=role["external_id"],
        organizations=True,
        child_role_name=role["child_role_name"],
        account_overrides={account: AccountOverride(external_id=asked[account]) for account in asked},
        sync_secrets=secrets,
        provisioning=True,
        **_directory(facts),
    )


def _directory(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of Identity Center and of its SCIM endpoint, as far as they are simulated."""
    found: dict[str, Any] = {}
    if center := facts.get("identity_center"):
        found |= {"identity_center": True, "identity_center_region": center["region"]}
    if scim := facts.get("scim"):
        found |= {"scim": True, "scim_endpoint": scim["endpoint"], "scim_token": scim["token"]}
    return found


def make_room(state: StateDir, simulation: Simulation, *, keep: bool) -> str | None:
    """Another simulation gets a state of its own: what an earlier one left in the opened directory is moved
    aside or deleted. Returns what there is to say about it. Raises ``Stop`` for a directory that no demo made."""
    said = None
    before = _noted(state)
    if before is None and (state.path / "postgres").exists():
        said = f"The state directory {state.path} belongs to `grantwire up`; a simulation must not mix with it."
        raise Stop(Exit.CONFLICT, said, "Give the demo a directory of its own with --state-dir.")
    if before is not None and before != simulation:
        said = _move_aside(state, before) if keep else _delete(state)
    state.write(state.path / _NOTE, json.dumps(asdict(simulation)) + "\n")
    return said


def make_fresh(state: StateDir, simulation: Simulation) -> None:
    """The same, and nothing is kept even of the same simulation."""
    make_room(state, simulation, keep=False)
    _empty(state.path)
    state.write(state.path / _NOTE, json.dumps(asdict(simulation)) + "\n")


def _noted(state: StateDir) -> Simulation | None:
    try:
        return Simulation(**json.loads((state.path / _NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _delete(state: StateDir) -> str:
    _empty(state.path)
    return (
        "The earlier demo simulated something else; its data was deleted and this one starts fresh (--keep moves it)."
    )


def _move_aside(state: StateDir, before: Simulation) -> str:
    aside = state.path.with_name(f"{state.path.name}-seed-{before.seed}")
    while aside.exists():
        aside = aside.with_name(aside.name + "-")
    state.path.rename(aside)
    state.close()
    state.open()
    return f"The earlier demo simulated something else; its data is kept in {aside} and this one starts fresh."


def _empty(folder: Path) -> None:
    for item in folder.iterdir():
        if item.name not in _KEPT:
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
