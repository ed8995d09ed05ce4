"""The sandbox as a process: one line of facts, reached by AWS_ENDPOINT_URL, gone when told or when its parent goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

COMMAND = [sys.executable, "-m", "grantwire.sandbox"]


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


def test_the_first_line_is_enough_to_read_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = ("--users", "12", "--groups", "3", "--roles", "8")
    with process("--seed", "4", "--account", "111122223333", *sizes) as (_, facts):
        assert (facts["account"], facts["seed"], facts["region"]) == ("111122223333", 4, "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", facts["endpoint"])
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", facts["credentials"]["access_key_id"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", facts["credentials"]["secret_access_key"])
        monkeypatch.setenv("AWS_DEFAULT_REGION", facts["region"])
        connector = facts["connectors"]["minimum"]
        # A session of its own: the default one keeps the credentials of whichever test asked first in this process.
        session = boto3.Session()
        answer = session.client("sts").assume_role(
            RoleArn=connector["role_arn"], ExternalId=connector["external_id"], RoleSessionName="test"
        )
        given = answer["Credentials"]
        iam = session.client(
            "iam",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        assert (len(iam.list_users()["Users"]), len(iam.list_roles()["Roles"])) == (12, 8)


def test_the_same_seed_prints_the_same_facts() -> None:
    with process("--seed", "9") as (_, one), process("--seed", "9") as (_, two):
        assert {**one, "endpoint": ""} == {**two, "endpoint": ""}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(how: signal.Signals) -> None:
    with process() as (running, _):
        running.send_signal(how)
        assert running.wait(60) in (0, -how)


def test_it_dies_with_its_parent() -> None:
    script = (
        "import os, subprocess, sys\n"
        f"command = {COMMAND!r} + ['--parent-pid', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "os._exit(0)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout
    pid = int(said.split()[0])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_an_account_is_twelve_digits() -> None:
    done = subprocess.run([*COMMAND, "--account", "12"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "12 digits" in done.stderr


def test_control_pages_say_what_they_are() -> None:
    with process("--users", "3", "--groups", "1", "--roles", "3") as (_, facts):
        with urlopen(f"{facts['endpoint']}/_sandbox/truth?plan=minimum") as answer:
            lines = [json.loads(line) for line in answer.read().decode().splitlines()]
        with urlopen(f"{facts['endpoint']}/_sandbox/truth/unread?plan=minimum") as answer:
            unread = json.loads(answer.read())
        assert "attached" in unread
        assert not [line for line in lines if line["kind"] == "attached"]


def test_an_organization_is_asked_for_by_flags() -> None:
    sizes = ("--users", "3", "--groups", "1", "--roles", "5", "--accounts", "8", "--partition", "aws-us-gov")
    with process(*sizes, "--account-state", "none") as (_, facts):
        assert (facts["partition"], facts["region"]) == ("aws-us-gov", "us-gov-west-1")
        assert len(facts["admin_of"]) == 8
        assert facts["connectors"]["delegated"]["role_arn"].startswith("arn:aws-us-gov:iam::")
        with urlopen(f"{facts['endpoint']}/_sandbox/account-state") as answer:
            assert json.loads(answer.read()) == {"show": "none"}
        with urlopen(f"{facts['endpoint']}/_sandbox/truth/unreachable") as answer:
            assert json.loads(answer.read()) == facts["organization"]["unreachable"]
        only = facts["organization"]["delegated_administrator"]
        with urlopen(f"{facts['endpoint']}/_sandbox/truth?accounts={only}") as answer:
            lines = [json.loads(line) for line in answer.read().decode().splitlines()]
        assert {line["account"] for line in lines if line["kind"] == "iam_role"} == {only}


def test_an_organization_has_at_least_one_account() -> None:
    done = subprocess.run([*COMMAND, "--accounts", "0"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2


def test_the_scim_endpoint_is_in_the_facts_when_it_was_asked_for() -> None:
    sizes = ("--users", "4", "--groups", "1", "--roles", "8", "--directory-users", "3")
    with process("--identity-center", "account", "--scim", *sizes) as (_, facts):
        assert facts["scim"]["endpoint"].startswith(facts["endpoint"])
        assert facts["scim"]["endpoint"].endswith("/scim/v2/")
        request = Request(
            f"{facts['scim']['endpoint']}Users", headers={"Authorization": f"Bearer {facts['scim']['token']}"}
        )
        with urlopen(request, timeout=60) as answer:
            assert len(json.load(answer)["Resources"]) == 3
    refused = subprocess.run([*COMMAND, "--scim"], capture_output=True, text=True, timeout=60)
    assert "--scim takes --identity-center with an instance" in refused.stderr
