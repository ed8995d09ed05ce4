"""`grant`, `revoke` and `operations` against everything running, and the examples of another team as they stand."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import nursery
from tests.support.commands import Done, connectors_file, within
from tests.support.everything import settings
from tests.support.house import RULES
from tests.support.nursery import GRANTWIRE
from tests.support.world import Sandbox, sandbox

SMALL = ("--accounts", "3", "--users", "6", "--groups", "3", "--roles", "4", "--calm", "--provisioning")
CENTER = ("--identity-center", "--directory-users", "6", "--directory-groups", "3", "--permission-sets", "3")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WHY = ("--reason", "INC-4711")


@dataclass
class House:
    """Grantwire that runs, with a simulated organization that it has read."""

    state: Path
    aws: Sandbox
    rows: list[dict[str, Any]]

    def run(self, *arguments: str) -> Done:
        return within(*arguments, "--state-dir", self.state)

    def names(self, kind: str, account: str | None = None) -> list[str]:
        """Native ids."""
        found = [row for row in self.rows if row.get("kind") == kind and row["type"] == "resource"]
        return [row["native_id"] for row in found if account in (None, row["account"])]

    def holds(self, relation: str, source: str, target: str) -> bool:
        return any(
            row["type"] == "relation" and (row["kind"], row["source"], row["target"]) == (relation, source, target)
            for row in self.rows
        )

    def free(self, relation: str, sources: list[str], targets: list[str]) -> tuple[str, str]:
        """A pair that is not joined."""
        return next((s, t) for s in sources for t in targets if not self.holds(relation, s, t))

    def name_of(self, native_id: str) -> str:
        return next(str(row["name"]) for row in self.rows if row.get("native_id") == native_id)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory(prefix="grantwire-access-", ignore_cleanup_errors=True) as folder,
        sandbox(6, *SMALL, *CENTER) as aws,
    ):
        Path(folder).chmod(0o755)
        state, export = Path(folder) / "state", Path(folder) / "export.jsonl"
        read = settings(aws, sync_secrets=False, provisioning=True)
        file = connectors_file(Path(folder) / "connectors.yaml", read)
        command = [GRANTWIRE, "up", "--state-dir", str(state), "--port", "0", "--no-traces", "--connectors", str(file)]
        command += ["--export", str(export)]
        environment = {**os.environ, **aws.environment(), "GRANTWIRE_RULES_FILE": str(RULES)}
        with nursery.start(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "Ctrl-C stops everything" in line:
                    break
            assert process.poll() is None, "".join(said)
            rows = [json.loads(line) for line in export.read_text().splitlines()]
            yield House(state, aws, rows)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def person_and_set(house: House) -> tuple[str, str, str, str]:
    """A person and a permission set in an account that is not assigned to her, by name; and their native ids."""
    pairs = house.names("provisioned_permission_set")
    user, pair = house.free("assigned", house.names("identity_user"), pairs)
    account, arn = pair.split("/", 1)
    return house.name_of(user), f"{account}/{house.name_of(arn)}", user, pair


def test_a_grant_is_planned_given_again_and_taken(house: House) -> None:
    person, target, user, pair = person_and_set(house)
    plan = house.run("grant", person, target, *WHY, "--dry-run")
    assert plan.code == 0, plan.err
    rows = [line.split("\t") for line in plan.out.splitlines()]
    assert [row[0] for row in rows if row[3] == "yes"] == ["sso:CreateAccountAssignment"]
    assert f"PrincipalId={user}" in plan.out and "It would grant" in plan.err and "nothing was written" in plan.err
    given = house.run("grant", person, target, *WHY)
    assert given.code == 0, given.err
    assert given.out.split("\t")[0] == "granted" and "holds" in given.err and "accepted" in given.err
    assert user in house.run("who-can", pair).out + house.run("who-can", pair, "--json").out
    again = house.run("grant", person, target, *WHY, "--json")
    assert (again.code, again.json["state"], again.json["told"]["observed"]["held"]) == (0, "already_held", True)
    account, name = target.split("/")
    taken = house.run("revoke", person, name, "--account", account, *WHY)
    assert (taken.code, taken.out.split("\t")[0]) == (0, "revoked"), taken.err
    gone = house.run("revoke", person, target, *WHY, "--dry-run")
    assert gone.code == 0 and "It would not revoke" in gone.err


def test_a_name_in_several_accounts_is_asked_back(house: House) -> None:
    named = [(house.name_of(each), each) for each in house.names("iam_user")]
    twice = next(name for name, _ in named if [each for each, _ in named].count(name) > 1)
    done = house.run("grant", twice, "admins", *WHY, "--dry-run")
    assert done.code == 2
    assert all(f"candidate: {id}" in done.err for name, id in named if name == twice)


def test_what_nobody_is_called_exits_4_and_what_is_no_time_2(house: House) -> None:
    person, target, *_ = person_and_set(house)
    assert house.run("grant", "nobody-at-all", target, *WHY).code == 4
    late = house.run("grant", person, target, *WHY, "--valid-until", "soon")
    assert late.code == 2 and "2026-12-31" in late.err
    assert house.run("grant", person, target).code == 2, "a reason is required"


def test_a_command_that_is_too_late_fails_and_says_so(house: House) -> None:
    person, target, *_ = person_and_set(house)
    done = house.run("grant", person, target, *WHY, "--valid-until", "2020-01-01")
    assert (done.code, done.out.split("\t")[0]) == (1, "expired")
    assert "Expired: It was valid until 2020-01-01" in done.err


def test_without_waiting_it_says_how_to_follow_and_operations_show_it(house: House) -> None:
    person, target, user, _ = person_and_set(house)
    sent = house.run("grant", person, target, *WHY, "--no-wait")
    assert sent.code == 0, sent.err
    id, state = sent.out.split()
    assert state == "sent" and f"grantwire operations show {id}" in sent.err
    house.run("revoke", person, target, *WHY)  # of the same two, so it ends later
    listed = house.run("operations", "list", "--connector", "prod")
    assert any(line.startswith(id) and "operators" in line for line in listed.out.splitlines())
    shown = house.run("operations", "show", id)
    assert shown.code == 0 and user in shown.out and "INC-4711" in shown.out and "accepted" in shown.out
    late = house.run("operations", "cancel", id)
    assert late.code == 6 and "has ended as" in late.err
    assert house.run("operations", "show", "00000000-0000-4000-8000-000000000000").code == 4
    assert house.run("operations", "list", "--open").out == ""


def test_the_examples_run_as_they_stand(house: House, tmp_path: Path) -> None:
    team = house.run("team", "add", "payments", "--json")
    assert team.code == 0, team.err
    environment = {**os.environ, "GRANTWIRE_NATS_URL": team.json["url"]}
    environment |= {"GRANTWIRE_NATS_NKEY_FILE": team.json["seed_file"]}
    account = house.aws.account
    users = [each for each in house.names("iam_user", account) if ":root" not in each]
    user, group = house.free("member_of", users, house.names("iam_group", account))
    subscriber = [sys.executable, str(EXAMPLES / "subscriber.py"), str(tmp_path / "cursor")]
    with subprocess.Popen(subscriber, env=environment, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None and following.stdout.readline() == "following\n"
        ends = (f"iam_user:{user}", f"iam_group:{group}")
        for verb, state in (("grant", "granted"), ("grant", "already_held"), ("revoke", "revoked")):
            publisher = [sys.executable, str(EXAMPLES / "publisher.py"), verb, "prod", *ends, "INC-4711"]
            done = subprocess.run(publisher, env=environment, capture_output=True, text=True, timeout=120)
            assert (done.returncode, done.stdout.split()[0]) == (0, state), done.stderr
        heard = [following.stdout.readline().split(" ", 2) for _ in range(2)]
        following.terminate()
    assert [each[1] for each in heard] == ["RelationAdded", "RelationRemoved"]
    assert [(json.loads(each[2])["source"], json.loads(each[2])["target"]) for each in heard] == [(user, group)] * 2
    assert (tmp_path / "cursor").read_text()
