"""`python -m grantwire.sandbox`: print one line of facts when ready, serve until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict

import uvicorn

from grantwire.sandbox.blueprint import plan
from grantwire.sandbox.identity_center.facts import KINDS, NONE, ORGANIZATION, SEVERAL, DirectorySizes
from grantwire.sandbox.organization.facts import SHOWN
from grantwire.sandbox.partitions import PARTITIONS
from grantwire.sandbox.plan import Extras, Sizes, facts_line
from grantwire.sandbox.rates import Limit
from grantwire.sandbox.server import endpoint_of, listen, server
from grantwire.sandbox.state import Options

PR_SET_PDEATHSIG = 1


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m grantwire.sandbox", description="A simulated AWS account or organization."
    )
    parser.add_argument("--seed", type=int, default=1, help="what the account holds follows from it")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    for name, default in (("users", 100), ("groups", 20), ("roles", 50)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"how many {name} in all")
    parser.add_argument("--account", help="12 digits; else they follow from the seed")
    parser.add_argument("--accounts", type=int, default=1, help="more than 1: an organization of that many accounts")
    parser.add_argument("--partition", choices=sorted(PARTITIONS), default="aws", help="where the account is")
    parser.add_argument("--calm", action="store_true", help="an organization whose accounts can all be entered")
    parser.add_argument("--account-state", choices=SHOWN, default="both", help="what Organizations says of an account")
    parser.add_argument("--short", type=float, default=0.0, help="share of pages shorter than asked for")
    parser.add_argument("--empty", type=float, default=0.0, help="share of empty pages that have a marker")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of every answer")
    parser.add_argument(
        "--rate",
        type=rate,
        action="append",
        default=[],
        metavar="SERVICE=PER_SECOND",
        help="calls a second that each account may make, as `iam=20`; repeatable",
    )
    extras(parser)
    parser.add_argument("--parent-pid", type=int, help="stop when this process is no longer the parent")
    return parser


def extras(parser: argparse.ArgumentParser) -> None:
    """The flags of Identity Center and of credentials."""
    parser.add_argument(
        "--identity-center",
        choices=KINDS,
        nargs="?",
        const=ORGANIZATION,
        help="IAM Identity Center: of the organization, of one account, both (several), or no instance (none)",
    )
    parser.add_argument("--identity-center-region", metavar="REGION", help="where the instance is")
    for name, default in asdict(DirectorySizes()).items():
        flag = f"--{name.replace('_', '-')}" if name in ("permission_sets", "provisioned") else f"--directory-{name}"
        what = "most members of a group, and users assigned in a pair" if name == "largest" else "in all"
        parser.add_argument(
            flag, dest=f"directory_{name}", type=int, default=default, help=f"of Identity Center, {what}"
        )
    parser.add_argument("--credentials", action="store_true", help="access keys, console passwords and MFA devices")
    parser.add_argument("--scim", action="store_true", help="a SCIM endpoint over Identity Center's directory")
    parser.add_argument("--provisioning", action="store_true", help="connectors may change what commands change")
    parser.add_argument(
        "--without", action="append", default=[], metavar="ACTION", help="what no connector may do; repeatable"
    )


def wanted_extras(given: argparse.Namespace) -> Extras:
    """What the flags of `extras` ask for."""
    sizes = DirectorySizes(**{name: getattr(given, f"directory_{name}") for name in asdict(DirectorySizes())})
    region = given.identity_center_region
    kept = given.credentials, tuple(given.without), given.scim, given.provisioning
    return Extras(given.identity_center, region, sizes, *kept)


def rate(text: str) -> tuple[str, float]:
    """One `SERVICE=PER_SECOND`."""
    service, _, wanted = text.partition("=")
    return service, Limit.read({"per_second": wanted}).per_second


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the thread that started this process ends. Elsewhere `--parent-pid` has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _watch(parent: int, served: uvicorn.Server) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  the system tells nobody when a parent changes
        await asyncio.sleep(0.5)
    served.should_exit = True


async def _serve(given: argparse.Namespace) -> None:
    sizes = Sizes(given.users, given.groups, given.roles)
    extra = wanted_extras(given)
    planned = plan(given.seed, sizes, given.account, given.accounts, given.partition, given.calm, extra)
    listener = listen(given.port)
    served = server(planned, Options(given.short, given.empty, given.latency_ms, given.account_state, dict(given.rate)))
    serving = asyncio.create_task(served.serve([listener]))
    while not served.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.005)
    sys.stdout.write(json.dumps(facts_line(planned, endpoint_of(listener))) + "\n")
    sys.stdout.flush()
    watching = asyncio.create_task(_watch(given.parent_pid, served)) if given.parent_pid else None
    await serving
    if watching is not None:
        watching.cancel()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    given = arguments().parse_args()
    if given.account is not None and not (given.account.isdigit() and len(given.account) == 12):
        arguments().error("--account takes 12 digits")
    if given.accounts < 1:
        arguments().error("--accounts takes 1 or more")
    if given.identity_center in (ORGANIZATION, SEVERAL) and given.accounts < 2:
        arguments().error(f"--identity-center {given.identity_center} takes --accounts 2 or more")
    if given.scim and given.identity_center in (None, NONE):
        arguments().error("--scim takes --identity-center with an instance")
    die_with_parent()
    asyncio.run(_serve(given))


if __name__ == "__main__":
    main()
