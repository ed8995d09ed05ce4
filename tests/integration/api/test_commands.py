"""The commands that ask, as processes against an api on a socket, about names that other people chose."""

import asyncio
import csv
import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from grantwire.api.guards import Guard, Rules
from grantwire.api.server import Address, serving
from grantwire.api.service import assemble
from grantwire.contracts.snapshots import Outcome
from grantwire.telemetry import utc_now
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph import keys
from tests.integration.graph.centers import STORE, Center, assigned, gone, permission_set, person, team
from tests.integration.graph.keys import held, key, owns, root_of
from tests.integration.graph.scenes import Bus, facts, member, organization_bus, organization_of, user
from tests.support.commands import Done, grantwire

TOKEN, OTHER = "test-token-0123456789", "444455556666"
EVIL = "=cmd|'calc'!A0\x1b[2J\u202e,\"x\""
ADMIN = permission_set("AdministratorAccess")


@dataclass(frozen=True)
class Shell:
    """Runs commands against the api; the loop goes on answering meanwhile."""

    stage: Stage
    url: str

    async def run(self, *arguments: str) -> Done:
        env = {**os.environ, "GRANTWIRE_API_URL": self.url, "GRANTWIRE_ADMIN_TOKEN": TOKEN}
        return await asyncio.to_thread(grantwire, *arguments, env=env)


@pytest_asyncio.fixture
async def shell(stage: Stage) -> AsyncIterator[Shell]:
    app = assemble(stage.graph, stage.broker, stage.door, stage.commands)
    async with serving(lambda port: Guard(app, Rules(TOKEN, port, None)), Address("127.0.0.1", 0)) as at:
        yield Shell(stage, at.url)


async def credentials(stage: Stage) -> None:
    """One account read, with a hostile owner; another whose connector reads no credentials."""
    now = utc_now()
    await organization_bus(stage.graph).send(organization_of(ACCOUNT, OTHER), read_began_at=now)
    evil = user(EVIL, "AIDAEVIL", ACCOUNT)
    await Bus(stage.graph, account=ACCOUNT).send(facts([evil]), read_began_at=now)
    row = key("AKIAOLD", ACCOUNT, "2020-01-02T03:04:05Z")
    content = held(ACCOUNT, row, root_of(ACCOUNT, mfa=False), by=(owns(evil, row),))
    await keys.bus(stage.graph, ACCOUNT).send(content, read_began_at=now)


async def test_the_inventory_is_whole_and_harmless(shell: Shell) -> None:
    await credentials(shell.stage)
    done = await shell.run("inventory", "secrets")
    assert done.code == 0, done.err
    cells = done.out.strip().split("\t")
    assert (cells[0], cells[2], cells[5]) == ("AKIAOLD", "team 1234", "never")
    assert "1 root user without MFA" in done.err and f"credentials/{ACCOUNT} complete" in done.err
    assert "\x1b" not in done.out + done.err and "\\x1b[2J" in done.out
    sheet = await shell.run("inventory", "secrets", "--csv")
    (row,) = csv.DictReader(io.StringIO(sheet.out, newline=""))
    assert (row["id"], row["account"], row["never_used"], row["is_root"]) == ("AKIAOLD", ACCOUNT, "true", "false")
    assert row["owner_name"] == "'=cmd|'calc'!A0\\x1b[2J\\u202e,\"x\"", "no formula, no escape, one cell"
    roots = await shell.run("inventory", "secrets", "--root")
    assert roots.out.split("\t")[:2] == ["team 1234", "no"]
    whole = await shell.run("inventory", "secrets", "--older-than", "90d", "--json")
    assert [each["owner_name"] for each in whole.json["secrets"]] == [EVIL]
    assert (await shell.run("inventory", "secrets", "--status", "inactive", "--json")).json["secrets"] == []


async def test_the_inventory_says_what_it_lacks(shell: Shell) -> None:
    await shell.stage.add()
    await Bus(shell.stage.graph, account=ACCOUNT).send(facts([]))
    done = await shell.run("inventory", "secrets")
    assert (done.code, done.out) == (3, "")
    assert f"{ACCOUNT}: not read: The setting sync_secrets of connector 'prod' is off." in done.err
    assert (await shell.run("inventory", "secrets", "--csv", "--json")).code == 2
    wrong = await shell.run("inventory", "secrets", "--older-than", "soon")
    assert (wrong.code, "90d" in wrong.err) == (2, True)
    assert (await shell.run("inventory", "secrets", "--owner", "nobody")).code == 4


async def test_who_enters_an_account(shell: Shell) -> None:
    alice, admins = person("alice", "DISABLED"), team(EVIL)
    links = [assigned(admins, ADMIN, ACCOUNT), assigned(gone("u-left"), ADMIN, ACCOUNT)]
    center = Center(shell.stage.graph, [alice], [admins], [member(admins, alice)], [ADMIN], links, [gone("u-left")])
    await organization_bus(shell.stage.graph).send(organization_of(ACCOUNT))
    await center.load([(ADMIN, ACCOUNT)])
    await center.buses[f"directory_users/{STORE}"].fail(Outcome.STALE)
    done = await shell.run("who-can", "team 1234")
    assert done.code == 3 and "\x1b" not in done.out + done.err
    where = f"AdministratorAccess in team 1234 ({ACCOUNT})"
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in done.out.splitlines()}
    assert rows["deleted: u-left"][:2] == ["external_principal", f"assigned {where}"]
    assert (
        rows["alice"][1].endswith(f" → assigned {where}") and rows["alice"][3] == "alice is DISABLED in the directory"
    )
    assert f"directory_users/{STORE} stale" in done.err and "iam:ListUsers was denied." in done.err
    reached = await shell.run("can", "alice")
    assert [line.split("\t")[0] for line in reached.out.splitlines()].count(where) == 1
    assert len(reached.out.splitlines()) == 2, "the permission set in the account, and the group: not role and account"
    assert f"Who can reach {where}" in (await shell.run("who-can", f"{ACCOUNT}/administratoraccess")).err
