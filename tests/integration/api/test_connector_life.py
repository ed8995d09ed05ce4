"""A connector's life over HTTP, from nothing to a sync that begins, and through pauses, changes and refusals."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.aws import CREDENTIALS, IAM_ALL, IDENTITY_CENTER, ORGANIZATION
from grantwire.graph import runs
from grantwire.sandbox.server import Sandbox
from grantwire.telemetry import utc_now
from tests.integration.api.conftest import application
from tests.integration.api.living import NOBODY, Life, door, everything
from tests.integration.collectors.conftest import use

FEATURES = {"organizations": True, "identity_center": True, "sync_secrets": True, "child_role_name": "GrantwireReader"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with everything() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def life(urls: dict[str, str], running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Life]:
    running.control("POST", "reset")
    use(running, monkeypatch)
    async with application(urls, door(running)) as (http, graph, _):
        yield Life(http, graph, running)
    assert running.violations() == []


def states(tested: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in tested["checks"]}


# From nothing to a sync


async def test_from_nothing_to_a_sync(life: Life) -> None:
    drafted = await life.draft(**FEATURES, **life.scim, scim=True)
    assert (drafted["connector"]["state"], drafted["run"], drafted["connector"]["account"]) == ("draft", None, None)
    role = life.apply(drafted["setup"])
    children = life.sandbox.facts["organization"]["member_accounts"]
    setup = (await life.http.patch("/v1/connectors/prod", json={"name": "Production"})).json()
    assert setup["connector"]["state"] == "draft"
    tested = (await life.post("/test", {"role_arn": role})).json()
    assert tested["ok"] is True, tested
    assert {state for name, state in states(tested).items() if name in (f"account {each}" for each in children)} == {
        "failed"
    }, "the child roles are not there yet, which leaves gaps and stops nothing"
    saved = await life.set_role(role)
    assert saved.status_code == 200, saved.text
    body = saved.json()
    assert (body["connector"]["state"], body["connector"]["account"]) == ("syncing", life.sandbox.account)
    assert body["connector"]["organization"] == life.sandbox.facts["organization"]["id"]
    assert (await life.http.get(f"/v1/runs/{body['run']}")).json()["state"] == "requested"
    for account in children:
        life.apply(await life.get("/setup"), account, "child")
    tested = (await life.post("/test")).json()
    assert set(states(tested).values()) == {"ok"}, tested
    assert life.sandbox.control("GET", "denied") != [], "the children before their roles were made"


async def test_the_policies_allow_exactly_what_the_readers_call(life: Life) -> None:
    setup = (await life.draft(**FEATURES))["setup"]
    own, child = setup["roles"]
    *reads, enter = own["permissions_policy"]["Statement"]
    assert {action for each in reads for action in each["Action"]} == {
        *IAM_ALL,
        *ORGANIZATION,
        *IDENTITY_CENTER,
        *CREDENTIALS,
    }
    assert [each["Sid"] for each in reads] == [
        "ReadIam",
        "ReadOrganizations",
        "ReadIdentityCenter",
        "ReadSyncSecrets",
    ]
    assert (enter["Action"], enter["Resource"]) == ("sts:AssumeRole", ["arn:aws:iam::*:role/GrantwireReader"])
    assert {action for each in child["permissions_policy"]["Statement"] for action in each["Action"]} == {
        *IAM_ALL,
        *CREDENTIALS,
    }
    assert child["name"] == "GrantwireReader"


async def test_what_a_role_may_change_is_not_tried_out(life: Life) -> None:
    assert (await life.add(provisioning=True)).status_code == 201
    tested = (await life.post("/test")).json()
    (found,) = [check for check in tested["checks"] if check["name"] == "provisioning"]
    assert (found["state"], found["required"]) == ("skipped", False)
    assert "show --policies" in found["text"]
    assert life.sandbox.writes() == []


async def test_a_feature_that_is_off_asks_for_nothing(life: Life) -> None:
    (own,) = (await life.draft())["setup"]["roles"]
    (only,) = own["permissions_policy"]["Statement"]
    assert only["Sid"] == "ReadIam"
    assert set(only["Action"]) == {each for each in IAM_ALL if each != "iam:ListAccountAliases"}
    assert "sts:AssumeRole" not in json.dumps(own["permissions_policy"])


async def test_the_trust_policy_names_who_runs_grantwire_and_asks_for_the_external_id(life: Life) -> None:
    setup = (await life.draft())["setup"]
    operator = life.sandbox.plan.operator_account
    (statement,) = setup["roles"][0]["trust_policy"]["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{operator}:user/grantwire-operator"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": setup["external_id"]}}
    assert len(setup["external_id"]) == 43
    assert setup["trusted"]["how"] == "caller"


async def test_the_trust_policy_names_the_operator_role_where_there_is_one(life: Life) -> None:
    operator = "arn:aws:iam::210987654321:role/Operator"
    setup = (await life.draft(operator_role_arn=operator, operator_external_id="op-id"))["setup"]
    assert setup["roles"][0]["trust_policy"]["Statement"][0]["Principal"] == {"AWS": operator}
    assert [each["who"] for each in setup["allowances"]][1] == operator


async def test_who_is_to_be_trusted_is_said_to_be_unknown(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAQX7EXAMPLE012345")
    setup = (await life.draft())["setup"]
    assert setup["trusted"]["how"] == "unknown"
    assert setup["roles"][0]["trust_policy"]["Statement"][0]["Principal"] == {"AWS": "<the ARN of who runs Grantwire>"}
    assert "is not known to the api: AWS does not know the credentials" in setup["trusted"]["note"]


async def test_a_session_is_named_by_its_role_with_what_to_check(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    _act_as_role(life, monkeypatch)
    trusted = (await life.draft())["setup"]["trusted"]
    assert trusted["arn"] == life.settings()["role_arn"]
    assert "aws iam get-role --role-name GrantwireOrganization" in trusted["note"]


def _act_as_role(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process is a session of the organization's connector role."""
    import boto3

    sts = boto3.client("sts", endpoint_url=life.sandbox.endpoint)
    wanted = life.settings()
    given = sts.assume_role(
        RoleArn=wanted["role_arn"], ExternalId=wanted["external_id"], RoleSessionName="base", DurationSeconds=3600
    )["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])


# A draft


async def test_a_draft_is_never_synced(life: Life) -> None:
    await life.draft(interval="1s")
    refused = await life.post("/sync")
    assert (refused.status_code, "is a draft" in refused.json()["detail"]) == (409, True)
    assert await runs.timetable(life.graph, utc_now()) == []


async def test_the_external_id_is_shown_while_it_is_a_draft_and_never_after(life: Life) -> None:
    external_id = (await life.draft())["setup"]["external_id"]
    assert (await life.get("/setup"))["external_id"] == external_id
    again = await life.draft(name="Production")
    assert again["setup"]["external_id"] == external_id, "somebody may have put it into a trust policy"
    assert external_id not in (await life.http.get("/v1/connectors/prod")).text
    assert (await life.set_role(life.apply(again["setup"]))).status_code == 200
    setup = await life.get("/setup")
    assert setup["external_id"] == "set"
    for path in ("", "/setup", "/versions", "/log", "/events"):
        assert external_id not in (await life.http.get(f"/v1/connectors/prod{path}")).text


async def test_external_ids_are_chance(life: Life) -> None:
    first = (await life.draft())["setup"]["external_id"]
    second = await life.http.post("/v1/connectors", params={"draft": True}, json={"id": "other"})
    assert second.json()["setup"]["external_id"] != first


async def test_a_refused_role_leaves_a_failed_draft_with_its_reason_and_a_line(life: Life) -> None:
    await life.draft()
    refused = await life.set_role(NOBODY.format(life.sandbox.account))
    assert refused.status_code == 403
    shown = await life.get()
    assert (shown["state"], shown["account"]) == ("failed", None)
    assert shown["reason"] == refused.json()["detail"]
    assert shown["settings"]["role_arn"] == NOBODY.format(life.sandbox.account)
    assert (shown["log"][0]["level"], shown["log"][0]["text"]) == ("error", f"failed: {shown['reason']}")
    assert (await life.post("/sync")).status_code == 409
    assert await runs.timetable(life.graph, utc_now()) == []
    role = life.apply(await life.get("/setup"))
    assert (await life.set_role(role)).json()["connector"]["state"] == "syncing"


async def test_a_connector_that_works_is_not_drafted_over(life: Life) -> None:
    await life.add()
    refused = await life.http.post("/v1/connectors", params={"draft": True}, json={"id": "prod"})
    assert refused.status_code == 409
    assert "is there already and syncing" in refused.json()["detail"]


# Changes


async def test_a_change_is_partial_and_null_is_the_default(life: Life) -> None:
    await life.add(interval="1h", exclude_accounts=["111122223333"])
    changed = await life.http.patch("/v1/connectors/prod", json={"exclude_accounts": None, "name": "Production"})
    assert changed.status_code == 200, changed.text
    settings = changed.json()["connector"]["settings"]
    assert (settings["exclude_accounts"], settings["name"], settings["interval"]) == ([], "Production", "PT1H")
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["run"] is not None


async def test_overrides_are_merged_account_by_account(life: Life) -> None:
    one, two = {"role_name": "A", "external_id": "one-secret"}, {"role_name": "B"}
    await life.add(account_overrides={"111122223333": one, "111122224444": two})
    change = {"account_overrides": {"111122223333": {"role_name": "C"}, "111122224444": None}}
    shown = (await life.http.patch("/v1/connectors/prod", json=change)).json()["connector"]["settings"]
    assert shown["account_overrides"] == {"111122223333": {"role_name": "C", "external_id": "set"}}


async def test_a_change_for_another_version_is_a_conflict(life: Life) -> None:
    await life.add()
    first = await life.http.patch("/v1/connectors/prod", json={"name": "A", "version": 1})
    assert first.status_code == 200
    for how in ({"json": {"name": "B", "version": 1}}, {"json": {"name": "B"}, "headers": {"If-Match": '"1"'}}):
        late = await life.http.patch("/v1/connectors/prod", **how)
        assert late.status_code == 409
        assert "has version 2 of its settings, and this change was made for version 1" in late.json()["detail"]
    assert (await life.get())["settings"]["name"] == "A"
    both = await asyncio.gather(
        *(life.http.patch("/v1/connectors/prod", json={"name": name, "version": 2}) for name in ("C", "D"))
    )
    assert sorted(each.status_code for each in both) == [200, 409]


@pytest.mark.parametrize("given", ["x", "1.5", True, "-1"])
async def test_a_version_that_is_none_names_the_field(life: Life, given: Any) -> None:
    await life.add()
    refused = await life.http.patch("/v1/connectors/prod", json={"name": "B", "version": given})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "version")


async def test_a_change_that_aws_refuses_changes_nothing_and_is_logged(life: Life) -> None:
    await life.add()
    before = await life.get()
    refused = await life.set_role(NOBODY.format(life.sandbox.account))
    assert refused.status_code == 403
    after = await life.get()
    assert (after["state"], after["settings"]) == (before["state"], before["settings"])
    assert after["log"][0]["text"].startswith("A change was not saved: AWS refused sts:AssumeRole on ")


async def test_the_id_stays(life: Life) -> None:
    await life.add()
    refused = await life.http.patch("/v1/connectors/prod", json={"id": "other"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "id")


async def test_a_setting_that_there_is_not_is_named_even_to_be_unset(life: Life) -> None:
    await life.add()
    refused = await life.http.patch("/v1/connectors/prod", json={"nonsense": None})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "nonsense")


async def test_versions_tell_what_changed_and_no_secret(life: Life) -> None:
    await life.add(child_external_id="first-secret")
    await life.http.patch("/v1/connectors/prod", json={"child_external_id": "second-secret", "interval": "1h"})
    newest, oldest = (await life.get("/versions"))["versions"]
    assert (newest["version"], oldest["version"]) == (2, 1)
    changes = {each["field"]: (each["before"], each["after"]) for each in newest["changes"]}
    assert changes == {"interval": ("PT15M", "PT1H"), "child_external_id": ("set", "set anew")}
    assert {"role_arn", "external_id", "organizations"} < {each["field"] for each in oldest["changes"]}
    assert "-secret" not in (await life.http.get("/v1/connectors/prod/versions")).text


# Pausing


async def test_a_pause_stops_every_run_and_says_so(life: Life) -> None:
    await life.add(interval="1s")
    first = (await life.post("/pause", {"reason": "AWS maintenance"})).json()
    assert (first["changed"], first["connector"]["state"]) == (True, "paused")
    assert first["connector"]["reason"] == "Paused: AWS maintenance"
    assert (await life.post("/pause")).json()["changed"] is False
    assert await runs.timetable(life.graph, utc_now()) == []
    assert await runs.pending(life.graph) == [], "what had not begun is over"
    refused = await life.post("/sync")
    assert refused.status_code == 409
    assert "`grantwire connector resume prod`" in refused.json()["detail"]


async def test_a_resumed_connector_runs_at_once(life: Life) -> None:
    await life.add()
    await life.post("/pause")
    resumed = (await life.post("/resume")).json()
    assert (resumed["changed"], resumed["connector"]["state"]) == (True, "syncing")
    assert [each.run for each in await runs.pending(life.graph)] == [resumed["run"]]
    again = (await life.post("/resume")).json()
    assert (again["changed"], again["run"]) == (False, None)


async def test_a_paused_connector_is_changed_without_being_woken(life: Life) -> None:
    await life.add()
    await life.post("/pause", {"reason": "Cutover"})
    changed = (await life.http.patch("/v1/connectors/prod", json={"interval": "2h"})).json()
    assert (changed["run"], changed["connector"]["state"]) == (None, "paused")
    assert changed["connector"]["reason"] == "Paused: Cutover"


@pytest.mark.parametrize("act", ["pause", "resume"])
async def test_a_draft_is_neither_paused_nor_resumed(life: Life, act: str) -> None:
    await life.draft()
    refused = await life.post(f"/{act}")
    assert (refused.status_code, "is draft: it does not run" in refused.json()["detail"]) == (409, True)


# News


async def test_the_label_changes_as_it_happens(life: Life) -> None:
    await life.add()
    seen = await life.get("/events")
    params: dict[str, Any] = {"after": seen["cursor"], "wait": 30}
    waiting = asyncio.create_task(life.http.get("/v1/connectors/prod/events", params=params))
    await life.post("/pause")
    news = (await asyncio.wait_for(waiting, 25)).json()
    assert (seen["connector"]["state"], news["connector"]["state"]) == ("syncing", "paused")


async def test_a_browser_gets_the_states_as_a_stream(life: Life) -> None:
    await life.add()
    headers = {"Accept": "text/event-stream"}
    asked = life.http.get("/v1/connectors/prod/events", params={"wait": 6}, headers=headers)
    waiting = asyncio.create_task(asked)
    await life.post("/pause")
    stream = await waiting
    assert stream.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in stream.text.split("\n\n") if block.startswith("id: ")]
    shown = [json.loads(lines[2].removeprefix("data: "))["state"] for lines in blocks]
    assert shown[-1] == "paused"
    last = blocks[-1][0].removeprefix("id: ")
    again = await life.http.get(
        "/v1/connectors/prod/events", params={"wait": 0.3}, headers=headers | {"Last-Event-ID": last}
    )
    assert "data:" not in again.text, "what was seen does not come again"


async def test_the_log_is_read_from_any_place_and_waited_for(life: Life) -> None:
    await life.add()
    lines = (await life.get("/log"))["lines"]
    assert lines[-1]["text"].startswith("Saved; AWS lets it into account")
    params: dict[str, Any] = {"after": lines[-1]["id"], "wait": 30}
    waiting = asyncio.create_task(life.http.get("/v1/connectors/prod/log", params=params))
    await life.post("/pause")
    (line,) = (await asyncio.wait_for(waiting, 25)).json()["lines"]
    assert line["text"] == "Paused by hand."
    await life.http.delete("/v1/connectors/prod")
    assert (await life.get("/log"))["lines"][-1]["text"] == "Connector 'prod' was removed."


@pytest.mark.parametrize("path", ["/events", "/log", "/versions", "/setup"])
async def test_nothing_is_told_of_what_is_not_there(life: Life, path: str) -> None:
    for headers in ({}, {"Accept": "text/event-stream"}):
        assert (await life.http.get(f"/v1/connectors/nope{path}", headers=headers)).status_code == 404
