"""What each route answers, on real servers."""

import asyncio

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from grantwire import telemetry
from grantwire.bus.broker import client_of
from grantwire.bus.letters import bury, letter_of
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.graph import outbox, runs
from grantwire.telemetry import monotonic
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph.scenes import Bus, facts


async def test_a_new_connector_is_checked_kept_and_synced(stage: Stage) -> None:
    answer = await stage.add(external_id="s3cret-id", last_login=True, interval="5m")
    body = answer.json()
    assert answer.status_code == 201
    assert body["created"] is True
    assert body["connector"]["account"] == ACCOUNT
    assert body["connector"]["state"] == "syncing"
    assert body["not_yet_acting"] == ["last_login"]
    assert (await stage.http.get(f"/v1/runs/{body['run']}")).json()["scopes"][0]["scope"] == f"iam/{ACCOUNT}"
    assert [each.external_id for each in stage.door.asked] == ["s3cret-id"]


async def test_secrets_are_never_returned(stage: Stage) -> None:
    await stage.add(external_id="s3cret-id", scim_token="hush")
    for path in ("/v1/connectors", "/v1/connectors/prod", "/v1/status"):
        text = (await stage.http.get(path)).text
        assert '"external_id":"set"' in text
        assert "s3cret-id" not in text
        assert "hush" not in text


async def test_the_same_settings_again_change_nothing_and_ask_nobody(stage: Stage) -> None:
    await stage.add(external_id="abc")
    again = await stage.add(external_id="abc")
    assert again.status_code == 200
    assert (again.json()["created"], again.json()["run"]) == (False, None)
    assert again.json()["connector"]["settings_version"] == 1
    assert len(stage.door.asked) == 1


async def test_other_settings_are_checked_anew(stage: Stage) -> None:
    await stage.add()
    changed = await stage.add(interval="1h")
    assert (changed.status_code, changed.json()["connector"]["settings_version"]) == (200, 2)
    assert len(stage.door.asked) == 2


async def test_an_account_belongs_to_one_connector(stage: Stage) -> None:
    await stage.add()
    second = await stage.add(id="other")
    assert second.status_code == 409
    assert "'prod'" in second.json()["detail"]


@pytest.mark.parametrize(
    ("cause", "status"), [(AwsCause.DENIED, 403), (AwsCause.TRANSIENT, 503), (AwsCause.CLOCK, 502)]
)
async def test_what_aws_refuses_is_not_kept(stage: Stage, cause: AwsCause, status: int) -> None:
    stage.door.refusal = AwsError("AWS said no.", cause=cause, operation="sts:AssumeRole", code="X")
    refused = await stage.add()
    assert refused.status_code == status
    assert refused.json()["detail"] == "AWS said no."
    assert (await stage.http.get("/v1/connectors/prod")).status_code == 404


async def test_an_unknown_connector_names_the_known(stage: Stage) -> None:
    await stage.add()
    for answer in (await stage.http.get("/v1/connectors/nope"), await stage.http.post("/v1/connectors/nope/sync")):
        assert answer.status_code == 404
        assert "'nope'" in answer.json()["detail"]
        assert "prod" in answer.json()["detail"]


async def test_a_sync_is_accepted_with_its_address(stage: Stage) -> None:
    await stage.add()
    accepted = await stage.http.post("/v1/connectors/prod/sync", json={"full": True})
    assert accepted.status_code == 202
    run = (await stage.http.get(accepted.json()["href"])).json()
    assert (run["state"], run["full"], run["connector"]) == ("requested", True, "prod")


async def test_waiting_ends_with_the_next_news(stage: Stage) -> None:
    run = (await stage.add()).json()["run"]
    first = (await stage.http.get(f"/v1/runs/{run}/events")).json()
    waiting = asyncio.create_task(
        stage.http.get(f"/v1/runs/{run}/events", params={"after": first["cursor"], "wait": 30})
    )
    await runs.published(stage.graph, run, f"iam/{ACCOUNT}")
    second = (await asyncio.wait_for(waiting, 25)).json()
    assert second["run"]["state"] == "running"
    assert second["cursor"] != first["cursor"]


async def test_waiting_ends_without_news_too(stage: Stage) -> None:
    run = (await stage.add()).json()["run"]
    first = (await stage.http.get(f"/v1/runs/{run}/events")).json()
    assert (
        await stage.http.get(f"/v1/runs/{run}/events", params={"after": first["cursor"], "wait": 0})
    ).json() == first


async def test_status_names_the_last_run(stage: Stage) -> None:
    run = (await stage.add()).json()["run"]
    (connector,) = (await stage.http.get("/v1/status")).json()["connectors"]
    last = connector["last_run"]
    assert (last["run"], last["state"], last["finished_at"], last["seconds"]) == (run, "requested", None, None)
    await Bus(stage.graph, account=ACCOUNT).send(facts(), run=run)
    (connector,) = (await stage.http.get("/v1/status")).json()["connectors"]
    last = connector["last_run"]
    assert (last["run"], last["state"], last["calls"]) == (run, "complete", 1)
    assert last["seconds"] > 0


async def test_waiting_goes_on_until_the_changes_are_on_the_bus(stage: Stage) -> None:
    run = (await stage.add()).json()["run"]
    await Bus(stage.graph, account=ACCOUNT).send(facts(), run=run)
    ended = (await stage.http.get(f"/v1/runs/{run}/events")).json()
    assert (ended["run"]["state"], ended["run"]["published"]) == ("complete", False)
    waiting = asyncio.create_task(
        stage.http.get(f"/v1/runs/{run}/events", params={"after": ended["cursor"], "wait": 30})
    )
    async with outbox.leader(stage.graph) as leader:
        waiting_for_it = await leader.waiting(10)
        assert waiting_for_it is not None
        await leader.delete(waiting_for_it)
    assert (await asyncio.wait_for(waiting, 25)).json()["run"]["published"] is True


@pytest.mark.parametrize("run", ["nonsense", "00000000-0000-0000-0000-000000000000"])
async def test_an_unknown_run_is_not_found(stage: Stage, run: str) -> None:
    assert (await stage.http.get(f"/v1/runs/{run}")).status_code == 404


async def test_a_sync_belongs_to_the_callers_trace(stage: Stage) -> None:
    switched = telemetry.setup("test", exporter=InMemorySpanExporter())
    try:
        with telemetry.span("cli", "grantwire sync") as root:
            await stage.add()
        pending = await runs.pending(stage.graph)
    finally:
        switched.shutdown()
    assert pending[0].traceparent is not None
    assert format(root.get_span_context().trace_id, "032x") in pending[0].traceparent


async def test_an_empty_graph_answers(stage: Stage) -> None:
    assert (await stage.http.get("/v1/export")).text == ""
    assert (await stage.http.get("/v1/status")).json()["connectors"] == []
    assert (await stage.http.get("/v1/can", params={"principal": "alice"})).status_code == 404
    assert (await stage.http.get("/v1/can")).status_code == 422


async def test_a_dead_letter_is_shown_and_sent_again(stage: Stage) -> None:
    letter = letter_of(
        stream="JOBS",
        consumer="collector-iam-collect-scope",
        sequence=7,
        subject="gw.job.iam.prod.x",
        headers={"ce-id": "1"},
        body=b"{not json",
        reason="Malformed.",
        deliveries=1,
    )
    await bury(client_of(stage.broker), letter, deadline=monotonic() + 60)
    (listed,) = (await stage.http.get("/v1/dead-letters")).json()["dead_letters"]
    assert (listed["stream"], listed["reason"], listed["deliveries"]) == ("JOBS", "Malformed.", 1)
    shown = (await stage.http.get(f"/v1/dead-letters/{listed['seq']}")).json()
    assert (shown["body"], shown["headers"]) == ("{not json", {"ce-id": "1"})
    assert (await stage.http.get(f"/v1/dead-letters/{listed['seq']}/replay")).status_code == 405
    assert (await stage.http.post(f"/v1/dead-letters/{listed['seq']}/replay")).status_code == 202
    assert (await stage.http.get("/v1/dead-letters")).json()["dead_letters"] == []
    assert (await stage.http.post(f"/v1/dead-letters/{listed['seq']}/replay")).status_code == 404


async def test_health_tells_which_server_is_away(stage: Stage) -> None:
    assert (await stage.http.get("/healthz")).json()["ready"] is True
    await stage.broker.stop()
    ill = await stage.http.get("/healthz")
    assert ill.status_code == 503
    assert ill.json() == {
        "live": True,
        "ready": False,
        "dependencies": {"postgres": "ok", "nats": "unreachable"},
    }


ROUTES = {
    "/v1/connectors": {"get", "post"},
    "/v1/connectors/{connector_id}": {"get", "patch", "delete"},
    "/v1/connectors/{connector_id}/setup": {"get"},
    "/v1/connectors/{connector_id}/role": {"put"},
    "/v1/connectors/{connector_id}/test": {"post"},
    "/v1/connectors/{connector_id}/pause": {"post"},
    "/v1/connectors/{connector_id}/resume": {"post"},
    "/v1/connectors/{connector_id}/versions": {"get"},
    "/v1/connectors/{connector_id}/events": {"get"},
    "/v1/connectors/{connector_id}/log": {"get"},
    "/v1/connectors/{connector_id}/sync": {"post"},
    "/v1/connectors/{connector_id}/gaps": {"get", "post"},
    "/v1/connectors/{connector_id}/gaps/{account}": {"delete"},
    "/v1/runs": {"get"},
    "/v1/runs/{run_id}": {"get"},
    "/v1/retired": {"get"},
    "/v1/retired/purge": {"post"},
}


async def test_openapi_names_every_route(stage: Stage) -> None:
    schema = (await stage.http.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert {path: set(schema["paths"][path]) for path in ROUTES} == ROUTES
    undescribed = [
        path for path, item in schema["paths"].items() for each in item.values() if "description" not in each
    ]
    assert undescribed == []
