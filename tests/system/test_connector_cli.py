"""A connector's life on the command line, against everything running: from a draft to Connected, and wrong turns."""

import asyncio
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grantwire.cli.client import Api
from grantwire.cli.live import _others
from grantwire.cli.settings import Settings, find_api
from tests.support import nursery
from tests.support.commands import Done, within
from tests.support.nursery import GRANTWIRE
from tests.support.pasting import commands, run
from tests.support.world import Sandbox, sandbox

SMALL = ("--accounts", "3", "--users", "6", "--groups", "3", "--roles", "6", "--calm")
CENTER = ("--identity-center", "--credentials", "--scim")
TOKEN = "a-token-of-more-than-sixteen-characters"


@dataclass(frozen=True)
class House:
    """Grantwire that runs, with a simulated organization in front of it."""

    state: Path
    aws: Sandbox

    def connector(self, *arguments: str) -> Done:
        return within("connector", *arguments, "--state-dir", self.state)

    def follow(self, *arguments: str, until: str) -> list[str]:
        """The lines of a command that goes on, up to the first with those words; it is interrupted then."""
        command = [GRANTWIRE, "connector", *arguments, "--state-dir", str(self.state)]
        with nursery.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                if until in line:
                    break
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        assert until in said[-1], said
        return said

    def role(self, name: str = "GrantwireOrganization") -> str:
        return f"arn:aws:iam::{self.aws.account}:role/{name}"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="grantwire-connectors-", ignore_cleanup_errors=True) as folder,
        sandbox(3, *SMALL, *CENTER) as aws,
    ):
        Path(folder).chmod(0o755)
        state = Path(folder) / "state"
        origins = {"GRANTWIRE_SCIM_ALLOWED_ORIGINS": aws.endpoint}
        command = [GRANTWIRE, "up", "--state-dir", str(state), "--port", "0", "--no-traces"]
        environment = {**os.environ, **aws.environment(), **origins}
        with nursery.start(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "Ctrl-C stops everything" in line:
                    break
            assert process.poll() is None, "".join(said)
            yield House(state, aws)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_from_nothing_to_connected(house: House) -> None:
    drafted = house.connector("add", "acme", "--organizations", "--child-role-name", "GrantwireReader")
    assert drafted.code == 0, drafted.err
    assert "Connector acme is a draft: it waits for its role." in drafted.err
    external_id = re.search(r"external id +(\S{43})\n", drafted.out)
    assert external_id is not None
    shown = house.connector("show", "acme")
    assert external_id[1] in shown.out, "a person must be able to look it up"
    assert house.connector("list").out.split("\t")[3] == "draft"
    refused = house.connector("set-role", "acme", house.role("Grantwire"))
    assert refused.code == 5
    assert "setting role_arn: is there such a role, and does its trust policy name who runs Grantwire?" in refused.err
    assert house.connector("show", "acme").out.splitlines()[0] == "state\tfailed"
    for command in commands(shown.out):
        filled = [word.replace("ACCOUNT", house.aws.account) for word in command]
        inside = house.aws.members[1:] if "GrantwireReader" in command else [house.aws.account]
        for account in inside:
            run(filled, house.aws.admin("iam", account))
    tried = house.connector("test", "acme", "--role-arn", house.role("Grantwire"), "--json")
    assert tried.code == 0, tried.out + tried.err
    assert {check["state"] for check in tried.json["checks"]} == {"ok"}
    assert house.connector("set-role", "acme", house.role("Grantwire")).code == 0
    said = house.follow("show", "acme", "--watch", until="state=connected")
    assert said[0].startswith("connector=acme state=")
    assert external_id[1] not in house.connector("show", "acme", "--policies").out
    status = within("status", "--json", "--state-dir", house.state)
    assert (status.code, status.json["connectors"][0]["accounts"]) == (0, {"complete": 3})


def test_a_change_a_pause_and_the_log(house: House) -> None:
    changed = house.connector("edit", "acme", "--interval", "2h", "--name", "Acme", "--json")
    assert changed.code == 0, changed.err
    version = changed.json["connector"]["settings_version"]
    assert changed.json["connector"]["settings"]["interval"] == "PT2H"
    late = house.connector("edit", "acme", "--interval", "3h", "--version", str(version - 1))
    assert late.code == 6
    assert f"has version {version} of its settings" in late.err
    assert house.connector("edit", "acme", "--unset", "name").code == 0
    newest = house.connector("show", "acme", "--versions").out.splitlines()[0]
    assert newest.endswith("name: Acme → none")
    paused = house.connector("pause", "acme", "--reason", "Moving house")
    assert (paused.code, "is paused" in paused.err) == (0, True)
    assert "reason\tPaused: Moving house" in house.connector("show", "acme").out
    refused = within("sync", "acme", "--state-dir", house.state)
    assert (refused.code, "`grantwire connector resume acme`" in refused.err) == (6, True)
    assert house.connector("resume", "acme").code == 0
    house.follow("show", "acme", "--watch", until="state=connected")
    lines = house.connector("logs", "acme").out.splitlines()
    assert [line.split("\t")[2] for line in lines if "house" in line or "Resumed" in line] == [
        "Paused: Moving house",
        "Resumed; a run was asked for.",
    ]
    followed = house.follow("logs", "acme", "--follow", "--json", "-n", "2", until="connected")
    assert all(set(json.loads(line)) == {"id", "at", "level", "text"} for line in followed)


def test_up_syncs_neither_drafts_nor_what_is_paused(house: House) -> None:
    async def others() -> list[str]:
        async with Api(find_api(house.state, Settings())) as api:
            return await _others(api, [])

    assert house.connector("add", "waiting").code == 0
    assert asyncio.run(others()) == ["acme"]
    assert house.connector("pause", "acme").code == 0
    assert asyncio.run(others()) == []
    assert house.connector("resume", "acme").code == 0
    assert house.connector("remove", "waiting").code == 0


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("add", "x", "--role-arn", "Grantwire"), 2, "role_arn: 'Grantwire' is not the ARN of an IAM role; one looks like"),
    (("add", "x", "--role-arn", "arn:aws-iso:iam::123456789012:role/X"), 2, "unknown AWS partition 'aws-iso'"),
    (("add", "X"), 2, "id: use 1 to 63 lower-case letters"),
    (("add", "x", "--external-id", "a b"), 2, "external_id: an external id has 2 to 1,224 letters"),
    (("add", "x", "--identity-center"), 2, "identity_center: it needs organizations"),
    (
        ("add", "x", "--organizations", "--identity-center", "--identity-center-region", "Frankfurt"),
        2,
        "identity_center_region: 'Frankfurt' is not the name of an AWS region",
    ),
    (("add", "x", "--ambient", "--scim"), 2, "scim_endpoint: it is missing"),
    (("add", "x", "--scim-token-file", "/nonexistent"), 2, "The token file /nonexistent cannot be read"),
    (("add", "x", "--account-role", "210987654321"), 2, "--account-role '210987654321' names no role"),
    (("edit", "acme"), 2, "Nothing to change was given"),
    (
        ("edit", "acme", "--unset", "nonsense"),
        2,
        "nonsense: there is no such setting; the settings are id, name, role_arn",
    ),
    (("edit", "acme", "--unset", "id"), 2, "id"),
    (("set-role", "acme", "arn:aws:iam::1:role/X"), 2, "role_arn: 'arn:aws:iam::1:role/X' is not the ARN"),
    (("set-role", "nope", "arn:aws:iam::123456789012:role/X"), 4, "There is no connector 'nope'; there is acme"),
    (("test", "nope"), 4, "There is no connector 'nope'"),
    (("pause", "nope"), 4, "There is no connector 'nope'"),
    (("resume", "nope"), 4, "There is no connector 'nope'"),
    (("logs", "nope"), 4, "There is no connector 'nope'"),
    (("show", "nope", "--watch"), 4, "There is no connector 'nope'"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG, ids=[" ".join(row[0])[:60] for row in WRONG])
def test_a_wrong_turn_names_the_setting(house: House, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = house.connector(*arguments)
    assert (done.code, done.out) == (code, ""), done.err
    assert says in done.err
    assert "next: " in done.err


@pytest.mark.parametrize(
    ("change", "code", "setting", "says"),
    [
        (("--role-arn", "arn:aws:iam::{}:role/Nobody"), 5, "role_arn", "the role does not exist"),
        (("--external-id", "another-one"), 5, "external_id", "asks for another external id"),
        (("--role-arn", "arn:aws-us-gov:iam::{}:role/X"), 2, "role_arn", "belongs to the AWS partition 'aws'"),
        (("--identity-center",), 2, "setting identity_center", "AWS refused sso:ListInstances"),
        (("--operator-role-arn", "arn:aws:iam::{}:role/X"), 5, "operator_role_arn", "on the operator role arn:aws:iam"),
        (
            ("--scim", "--scim-endpoint", "https://scim.cn-north-1.amazonaws.com.cn/a/scim/v2/"),
            2,
            "scim_endpoint",
            "is of the partition aws-cn",
        ),
        (
            ("--scim", "--scim-endpoint", "https://169.254.169.254/a/scim/v2/"),
            2,
            "scim_endpoint",
            "names the IP address",
        ),
    ],
)
def test_what_aws_says_of_a_change_names_the_setting(
    house: House, change: tuple[str, ...], code: int, setting: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    before = house.connector("show", "acme", "--json").json["settings"]
    secret = ("--scim-token-file", str(tmp_path / "token")) if "--scim" in change else ()
    done = house.connector("edit", "acme", *(each.format(house.aws.account) for each in change), *secret)
    assert (done.code, done.out) == (code, "")
    assert setting in done.err
    assert says in done.err
    assert TOKEN not in done.err
    assert house.connector("show", "acme", "--json").json["settings"] == before


def test_a_member_accounts_role_cannot_see_the_organization(house: House) -> None:
    account, child = house.aws.members[-1], "OrganizationAccountAccessRole"
    iam = house.aws.admin("iam", account)
    iam.attach_role_policy(RoleName=child, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=child, PolicyDocument=document)
    done = house.connector("add", "member", "--organizations", "--role-arn", f"arn:aws:iam::{account}:role/{child}")
    assert done.code == 2
    assert "setting organizations" in done.err
    assert "next: give the connector a role of one of these, or switch its organizations off" in done.err
