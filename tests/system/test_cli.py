"""The command line on the real thing: a demo that runs, the commands against it, and every ending it promises."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import nursery
from tests.support.commands import Done, connectors_file, grantwire
from tests.support.nursery import GRANTWIRE, Forked
from tests.support.world import Sandbox, sandbox

SMALL = ("--users", "12", "--groups", "4", "--roles", "12", "--port", "0")
ALONE = (*SMALL, "--accounts", "1")
TROUBLED = (*SMALL, "--accounts", "7")  # the fewest that have every trouble


@dataclass(frozen=True)
class Demo:
    """A demo that is running."""

    state: Path
    url: str
    token: str
    said: list[str]
    process: Forked

    def run(self, *arguments: str) -> Done:
        return grantwire(*arguments, "--state-dir", self.state)

    def http(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers)


@pytest.fixture(scope="module")
def places() -> Iterator[Path]:
    """A folder that the database's own account can pass through."""
    with tempfile.TemporaryDirectory(prefix="grantwire-cli-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def demo(places: Path) -> Iterator[Demo]:
    state = places / "demo"
    command = [GRANTWIRE, "demo", *TROUBLED, "--state-dir", str(state)]
    with nursery.start(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            said = _until(process, "Ctrl-C stops everything")
            told = json.loads((state / "api.json").read_text())
            token = (state / "secrets" / "admin-token").read_text().strip()
            yield Demo(state, told["url"], token, said, process)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    assert not (state / "api.json").exists()


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with sandbox(7, "--users", "8", "--groups", "3", "--roles", "8") as running:
        yield running


def _until(process: Forked, words: str) -> list[str]:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.rstrip("\n"))
        if words in line:
            return said
    raise AssertionError("\n".join(said))


def up(places: Path, *arguments: str | Path, env: dict[str, str], state: str = "up") -> Done:
    where = ("--state-dir", places / state, "--port", "0", "--no-traces")
    return grantwire("up", *where, "--exit-when-synced", "--json", *arguments, env=env)


# --- a demo that is up ---------------------------------------------------------------------------------------------


def test_a_demo_says_where_everything_is_and_what_to_do_next(demo: Demo) -> None:
    text = "\n".join(demo.said)
    assert "SIMULATED ORGANIZATION o-" in text
    assert "As planted: exactly 4 accounts cannot be read" in text
    assert "not for production" in text
    assert demo.url in text
    assert "grantwire who-can " in text
    assert "grantwire can " in text
    assert "/traces/" in text
    assert any(line.startswith("connector=demo scope=iam/") and "state=complete" in line for line in demo.said)


def test_the_commands_that_a_demo_prints_answer(demo: Demo) -> None:
    told = demo.said[demo.said.index("Next, in another terminal:") + 1 :]
    lines = [shlex.split(line) for line in told if line.startswith("  ")]
    assert len(lines) == 3
    for program, *arguments in lines:
        assert shutil.which(program), f"{program} cannot be pasted"
        done = grantwire(*arguments)
        assert done.code in (0, 3), done.err  # 3 where an account that cannot be read matters
        assert done.out


def test_the_printed_trace_opens_and_holds_every_service(demo: Demo) -> None:
    link = next(word for line in demo.said for word in line.split() if "/traces/" in word)
    assert httpx.get(link).status_code == 200
    services = httpx.get(link.replace("/traces/", "/api/traces/")).json()["services"]
    assert {"cli", "api", "scheduler", "collector-organization", "collector-iam", "projector", "relay"} <= set(services)


def test_status_is_one_object_or_lines(demo: Demo) -> None:
    done = demo.run("status", "--json")
    (connector,) = done.json["connectors"]
    assert done.code == 3
    assert connector["id"] == "demo"
    assert connector["settings"]["external_id"] == "set"
    assert connector["accounts"] == {"complete": 3, "stale": 2, "unreachable": 2}
    last = connector["last_run"]
    assert last["state"] == "partial"
    assert last["calls"] > 0
    assert last["finished_at"] > last["requested_at"]
    assert last["seconds"] > 0


def test_status_names_what_is_not_well_and_counts_the_rest(demo: Demo) -> None:
    done = demo.run("status")
    assert "3 ok, 2 stale, 2 unreachable" in done.out
    assert " calls · " in done.out
    lines = [line for line in done.out.splitlines() if line.startswith("iam/")]
    assert [line.split()[1] for line in lines] == ["stale", "stale", "unreachable", "unreachable"]
    scopes = demo.run("status", "--json").json["scopes"]
    complete = sum(scope["state"] == "complete" for scope in scopes)
    assert f"{complete} other scopes complete" in done.err
    assert complete == len(scopes) - 8, "two scopes are read inside each account that is not well"


def test_status_counts_what_the_export_shows(demo: Demo) -> None:
    rows = [json.loads(line) for line in demo.run("export").out.splitlines()]
    counts = demo.run("status", "--json").json["counts"]
    for type_ in ("resource", "relation"):
        assert counts[f"{type_}s"] == Counter(row["kind"] for row in rows if row["type"] == type_)


def test_an_answer_names_how_and_how_fresh(demo: Demo) -> None:
    target = shlex.split(next(line for line in demo.said if "grantwire who-can " in line))[2]
    done = demo.run("who-can", target)
    assert done.code == 3
    assert "allow" in done.out or "conditional" in done.out
    assert " complete " in done.err
    assert "cannot be read" in done.err
    assert demo.run("who-can", target, "--json").json["paths"]


def test_a_name_that_nothing_has_ends_with_4(demo: Demo) -> None:
    done = demo.run("can", "nobody-of-that-name")
    assert done.code == 4
    assert "nobody-of-that-name" in done.err
    assert done.out == ""


def test_an_unknown_connector_ends_with_4_and_names_the_known(demo: Demo) -> None:
    for arguments in (("sync", "nope"), ("connector", "show", "nope")):
        done = demo.run(*arguments)
        assert done.code == 4
        assert "nope" in done.err
        assert "demo" in done.err


def test_a_second_sync_is_followed_and_changes_nothing(demo: Demo) -> None:
    before = demo.run("status", "--json").json["revision"]
    done = demo.run("sync", "demo", "--wait", "--json")
    assert done.code == 3
    assert (done.json["state"], done.json["published"]) == ("partial", True)
    assert "/traces/" in done.json["trace"]
    assert demo.run("status", "--json").json["revision"] == before


def test_the_export_is_sorted_and_the_same_in_a_file(demo: Demo, tmp_path: Path) -> None:
    shown = demo.run("export", "--format", "jsonl").out
    assert demo.run("export", "--output", str(tmp_path / "graph.jsonl")).code == 0
    assert (tmp_path / "graph.jsonl").read_text() == shown
    assert shown.splitlines() == sorted(shown.splitlines())
    assert {json.loads(line)["type"] for line in shown.splitlines()} == {"resource", "relation"}


def test_an_export_that_cannot_be_written_says_so(demo: Demo, tmp_path: Path) -> None:
    done = demo.run("export", "--output", str(tmp_path / "no" / "graph.jsonl"))
    assert done.code == 1
    assert "cannot be written" in done.err


def test_connectors_are_listed_without_their_secrets(demo: Demo) -> None:
    listed = demo.run("connector", "list", "--json")
    shown = demo.run("connector", "show", "demo")
    assert listed.json["connectors"][0]["state"] == "degraded"
    assert "external_id\tset" in shown.out


def test_runs_are_listed_and_one_is_shown_with_its_scopes(demo: Demo) -> None:
    newest = demo.run("runs", "--json").json["runs"][0]
    assert (newest["connector"], newest["parts"]["unreachable"]) == ("demo", 4)
    listed = demo.run("runs", "--connector", "demo", "--limit", "1")
    assert listed.out.split("\t")[:2] == [newest["run"], "demo"]
    assert "4 stale, 4 unreachable" in listed.out
    shown = demo.run("runs", "show", newest["run"])
    shared = 6  # the organization, permission sets, users, groups, memberships, SCIM
    assert len(shown.out.splitlines()) == shared + 7 * 3, "IAM, credentials and assignments of seven accounts"
    assert "Payments production" in shown.out
    assert demo.run("runs", "show", "nonsense").code == 4


def test_accepted_gaps_are_no_failure_until_they_are_withdrawn(demo: Demo) -> None:
    status = demo.run("status", "--json").json
    stale = {scope["account"] for scope in status["scopes"] if scope["state"] == "stale"}
    for account in stale:
        done = demo.run(
            "connector", "accept-gap", "demo", account, "--reason", "Its owner left.", "--until", "2199-12-31"
        )
        assert done.code == 0, done.err
    assert demo.run("sync", "demo", "--wait", "--json").json["state"] == "complete"
    listed = demo.run("connector", "gaps", "demo")
    assert [line.split("\t")[0] for line in listed.out.splitlines()] == sorted(stale)
    assert "2199-12-31T23:59:59" in listed.out
    assert demo.run("status").code == 0
    for account in stale:
        assert demo.run("connector", "withdraw-gap", "demo", account).code == 0
    assert demo.run("sync", "demo", "--wait").code == 3


def test_a_gap_needs_a_date_and_an_account_that_can_be_one(demo: Demo) -> None:
    gap = ("connector", "accept-gap", "demo", "222222222222", "--reason", "x")
    assert "is not a date" in demo.run(*gap, "--until", "next year").err
    assert demo.run(*gap, "--until", "2001-01-01").code == 2
    assert demo.run("connector", "withdraw-gap", "demo", "222222222222").code == 4


def test_no_message_was_given_up_on(demo: Demo) -> None:
    assert demo.run("dead-letters", "list", "--json").json == {"dead_letters": []}
    assert demo.run("dead-letters", "show", "99").code == 4


def test_without_the_token_401_and_from_elsewhere_403(demo: Demo) -> None:
    bearer = f"Bearer {demo.token}"
    assert demo.http().get("/healthz").json()["ready"] is True
    assert demo.http().get("/v1/status").status_code == 401
    assert demo.http(Authorization="Bearer wrong").get("/v1/status").status_code == 401
    assert demo.http(Authorization=bearer).get("/v1/status").status_code == 200
    assert demo.http(Authorization=bearer, Host="evil.example").get("/v1/status").status_code == 403
    assert demo.http(Authorization=bearer, Origin="https://evil.example").get("/v1/status").status_code == 403
    assert demo.http(Authorization=bearer).get("/openapi.json").json()["openapi"].startswith("3.1")


def test_a_second_one_on_the_same_state_directory_ends_with_6(demo: Demo) -> None:
    done = grantwire("up", "--state-dir", demo.state)
    assert done.code == 6
    assert str(demo.process.pid) in done.err


def test_a_wrong_admin_token_ends_with_5(demo: Demo) -> None:
    done = grantwire("status", env={"GRANTWIRE_API_URL": demo.url, "GRANTWIRE_ADMIN_TOKEN": "wrong"})
    assert done.code == 5
    assert "token" in done.err


# --- what can be wrong ---------------------------------------------------------------------------------------------


def test_no_grantwire_running_says_how_to_run_one(tmp_path: Path) -> None:
    done = grantwire("status", "--state-dir", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "Run `grantwire demo` or `grantwire up`" in done.err


def test_an_address_that_nobody_answers_says_so() -> None:
    done = grantwire("status", env={"GRANTWIRE_API_URL": "http://127.0.0.1:1", "GRANTWIRE_ADMIN_TOKEN": "x"})
    assert done.code == 1
    assert "No Grantwire answers at http://127.0.0.1:1" in done.err


def test_a_missing_connectors_file_ends_with_2(tmp_path: Path) -> None:
    done = grantwire("up", "--connectors", tmp_path / "none.yaml")
    assert done.code == 2
    assert "none.yaml cannot be read" in done.err


def test_a_malformed_arn_ends_with_2(tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", {"id": "prod", "role_arn": "arn:aws:iam::12:role/x"})
    done = grantwire("up", "--connectors", path)
    assert done.code == 2
    assert "connector 1 ('prod'): role_arn: 'arn:aws:iam::12:role/x' is not the ARN of an IAM role" in done.err


def test_an_unwritable_state_directory_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = grantwire("up", "--state-dir", tmp_path / "file" / "state")
    assert done.code == 1
    assert "cannot be written" in done.err
    assert "--state-dir" in done.err


def test_an_older_state_directory_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("0\n")
    done = grantwire("up", "--state-dir", tmp_path)
    assert done.code == 1
    assert "layout version 0" in done.err


def test_a_port_in_use_ends_with_6_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = grantwire("up", "--state-dir", tmp_path, "--port", str(port))
    assert done.code == 6
    assert f"Port {port}" in done.err
    assert f"pid {os.getpid()}" in done.err
    assert not (tmp_path / "postgres").exists()


def test_an_unreachable_endpoint_ends_with_1(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", account.connector())
    done = up(places, "--connectors", path, env={**account.environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert (done.code, done.out) == (1, "")
    assert "http://127.0.0.1:1" in done.err


def test_a_wrong_external_id_ends_with_5(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", {**account.connector(), "external_id": "wrong-one"})
    done = up(places, "--connectors", path, env=account.environment())
    assert (done.code, done.out) == (5, "")
    assert "external id" in done.err
    assert "wrong-one" not in done.err


def test_a_skewed_clock_ends_with_1(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", account.connector())
    account.fault({"kind": "skew", "service": "sts"})
    try:
        done = up(places, "--connectors", path, env=account.environment())
    finally:
        account.heal()
    assert (done.code, done.out) == (1, "")
    assert "clock" in done.err


def test_a_sync_is_summed_up_as_one_object(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", {**account.connector(), "last_login": True})
    exported = tmp_path / "graph.jsonl"
    done = up(places, "--connectors", path, "--export", exported, env=account.environment())
    assert done.code == 0, done.err
    found = done.json
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    assert found["resources"]["iam_user"] == 8
    assert sum(found["resources"].values()) == sum(line["type"] == "resource" for line in lines)
    assert sum(found["relations"].values()) == sum(line["type"] == "relation" for line in lines)
    assert [each["scope"] for each in found["scopes"]["complete"]] == [f"iam/{account.account}"]
    assert found["scopes"]["stale"] == found["scopes"]["unreachable"] == []
    assert found["calls_total"] == sum(found["calls"].values()) > 0
    assert found["changes"] == 1, "a first load is one message"
    assert found["rows"]["inserted"] > 50
    assert (found["rows"]["changed"], found["rows"]["removed"]) == (0, 0)
    assert found["connectors"][0]["not_yet_acting"] == ["last_login"]
    assert 0 < found["sync_seconds"] < found["seconds"]
    assert found["export"] == str(exported)
    assert found["trace"] is None


def test_again_it_asks_little_and_changes_nothing(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", {**account.connector(), "last_login": True})
    account.forget_calls()
    done = up(places, "--connectors", path, env=account.environment())
    assert done.code == 0, done.err
    assert done.json["changes"] == 0
    assert set(done.json["rows"].values()) == {0}
    assert sum(account.calls().values()) <= 6


def test_a_scope_that_cannot_be_read_is_named_and_ends_with_3(places: Path, account: Sandbox, tmp_path: Path) -> None:
    path = connectors_file(tmp_path / "c.yaml", {**account.connector(), "last_login": True})
    account.fault({"kind": "deny", "service": "iam"})
    try:
        done = up(places, "--connectors", path, env=account.environment())
    finally:
        account.heal()
    assert done.code == 3, done.err
    stale = done.json["scopes"]["stale"]
    assert [each["scope"] for each in stale] == [f"iam/{account.account}"]
    assert stale[0]["reason"]


def test_another_seed_gets_a_fresh_demo_and_says_so(places: Path) -> None:
    def run(*options: str) -> Done:
        return grantwire("demo", *ALONE, "--state-dir", places / "seeds", "--exit-when-synced", "--json", *options)

    first, other = run("--seed", "1"), run("--seed", "2", "--keep")
    assert (first.code, other.code) == (0, 0), other.err
    assert f"its data is kept in {places / 'seeds-seed-1'}" in other.err
    assert _scopes(first.json) != _scopes(other.json)
    assert [scope.partition("/")[0] for scope in _scopes(other.json)] == ["credentials", "iam"]
    assert (places / "seeds-seed-1" / "postgres").is_dir()


def test_an_interrupted_sync_ends_with_130_and_leaves_nothing_behind(places: Path, account: Sandbox) -> None:
    account.fault({"kind": "latency", "service": "iam", "seconds": 3})
    path = connectors_file(places / "slow.yaml", account.connector())
    command = [GRANTWIRE, "up", "--state-dir", str(places / "slow"), "--port", "0", "--connectors", str(path)]
    environment = {**os.environ, **account.environment()}
    try:
        with nursery.start(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            _until(process, "state=published")
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
    finally:
        account.heal()
    assert not (places / "slow" / "api.json").exists()


def test_a_removed_connector_leaves_retired_scopes_that_can_be_purged(places: Path) -> None:
    state = places / "removed"
    command = [GRANTWIRE, "demo", *ALONE, "--no-traces", "--state-dir", str(state)]
    with nursery.start(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            _until(process, "Ctrl-C stops everything")
            removed = grantwire("connector", "remove", "demo", "--state-dir", state)
            assert removed.code == 0, removed.err
            scopes = sorted(line.split("\t")[0] for line in removed.out.splitlines())
            assert [scope.partition("/")[0] for scope in scopes] == ["credentials", "iam"]
            assert grantwire("export", "--state-dir", state).out == ""
            listed = grantwire("retired", "list", "--state-dir", state).out.splitlines()
            assert sorted(line.split("\t")[:2] for line in listed) == [[scope, "demo"] for scope in scopes]
            assert all("was removed" in line for line in listed)
            assert grantwire("retired", "purge", "iam/999999999999", "--state-dir", state).code == 4
            for scope in scopes:
                assert grantwire("retired", "purge", scope, "--state-dir", state).out.startswith(scope)
            assert grantwire("retired", "list", "--json", "--state-dir", state).json["retired"] == []
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_a_demo_that_meets_exactly_its_planted_trouble_ends_with_0_and_names_it(places: Path) -> None:
    where = ("--state-dir", places / "planted", "--no-traces")
    done = grantwire("demo", *TROUBLED, *where, "--exit-when-synced", "--json")
    assert done.code == 0, done.err
    scopes, planted = done.json["scopes"], done.json["planted"]
    assert (planted["met"], len(planted["accounts"])) == (True, 4)
    met = {each["account"]: state for state in ("stale", "unreachable") for each in scopes[state]}
    assert met.keys() == planted["accounts"].keys()
    assert sorted(met.values()) == ["stale", "stale", "unreachable", "unreachable"]
    assert all(each["name"] and each["reason"] for each in (*scopes["stale"], *scopes["unreachable"]))
    assert done.json["connectors"][0]["organization"].startswith("o-")
    assert done.json["sync_seconds"] < done.json["seconds"]
    told = grantwire("demo", *TROUBLED, *where, "--exit-when-synced")
    assert told.code == 0
    for account in planted["accounts"]:
        assert any(account in line and line.startswith(("stale ", "unreachable ")) for line in told.err.splitlines())
    assert "connector accept-gap demo" in told.err


def test_a_delegated_administrator_with_few_permissions_meets_its_own_trouble(places: Path) -> None:
    how = ("--reader", "delegated", "--plan", "minimum", "--exit-when-synced", "--json", "--no-traces")
    done = grantwire("demo", *TROUBLED, "--state-dir", places / "delegated", *how)
    assert done.code == 0, done.err
    assert "the management account has no child role" in done.json["planted"]["accounts"].values()
    assert {each["plan"] for each in done.json["scopes"]["complete"] if each["scope"].startswith("iam/")} == {"minimum"}


def test_trouble_that_was_not_planted_ends_a_demo_with_3_and_is_named(places: Path, tmp_path: Path) -> None:
    state = places / "unplanned"
    command = [GRANTWIRE, "demo", *TROUBLED, "--no-traces", "--state-dir", str(state)]
    with nursery.start(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            _until(process, "Ctrl-C stops everything")
            scopes = grantwire("status", "--json", "--state-dir", state).json["scopes"]
            readable = (each for each in scopes if each["state"] == "complete" and each["scope"].startswith("iam/"))
            well = next(readable)["account"]
            gap = ("connector", "accept-gap", "demo", well, "--reason", "a test", "--until", "2199-12-31")
            assert grantwire(*gap, "--state-dir", state).code == 0
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    done = grantwire("demo", *TROUBLED, "--state-dir", state, "--exit-when-synced", "--json", "--no-traces")
    assert done.code == 3
    differences = done.json["planted"]["differences"]
    for source, difference in zip(("credentials", "iam"), differences, strict=True):
        assert f"{source}/{well} is unreachable, and nothing was planted there" in difference
        assert difference in done.err


def test_organizations_with_a_role_that_cannot_read_one_ends_with_2(
    places: Path, account: Sandbox, tmp_path: Path
) -> None:
    path = connectors_file(tmp_path / "c.yaml", {**account.connector(), "organizations": True})
    done = up(places, "--connectors", path, env=account.environment(), state="no-organization")
    assert (done.code, done.out) == (2, "")
    assert "rganization" in done.err


def _scopes(found: dict[str, Any]) -> list[str]:
    return [each["scope"] for each in found["scopes"]["complete"]]
