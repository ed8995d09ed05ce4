"""Connectors of organizations as HTTP shows them: the check, gaps, removal, retired scopes, the history of runs."""

from datetime import timedelta
from typing import Any

from grantwire.contracts.failures import Invalid
from grantwire.graph import runs
from grantwire.telemetry import utc_now
from tests.integration.api.conftest import ACCOUNT, ORGANIZATION, Stage
from tests.integration.graph.scenes import Bus, facts, group, member, user

MEMBER = "222222222222"
SCOPE = f"iam/{ACCOUNT}"
LATER = (utc_now() + timedelta(days=30)).isoformat()


async def loaded(stage: Stage) -> str:
    """A connector of one account that was read; its run."""
    run: str = (await stage.add()).json()["run"]
    admins, ada = group("admins", account=ACCOUNT), user("ada", account=ACCOUNT)
    await Bus(stage.graph, account=ACCOUNT).send(facts([admins, ada], [member(admins, ada)]), run=run)
    return run


async def gaps(stage: Stage, **body: Any) -> Any:
    wanted = {"account": MEMBER, "reason": "It is being closed.", "until": LATER}
    return await stage.http.post("/v1/connectors/prod/gaps", json=wanted | body)


async def test_the_organization_that_was_found_is_kept_and_its_run_begins_with_it(stage: Stage) -> None:
    body = (await stage.add(organizations=True, child_external_id="hush-hush")).json()
    assert body["connector"]["organization"] == ORGANIZATION
    assert body["connector"]["settings"]["child_external_id"] == "set"
    assert body["not_yet_acting"] == []
    run = (await stage.http.get(f"/v1/runs/{body['run']}")).json()
    assert [(part["scope"], part["source"]) for part in run["scopes"]] == [
        (f"organization/{ORGANIZATION}", "organization")
    ]
    assert run["expanded"] is False
    assert ORGANIZATION in (await stage.http.get("/v1/connectors/prod")).json()["log"][0]["text"]


async def test_a_role_that_may_not_read_an_organization_is_400_with_the_field(stage: Stage) -> None:
    stage.door.refusal = Invalid("Account 1 is neither the management account nor an administrator.", "organizations")
    refused = await stage.add(organizations=True)
    body = refused.json()
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert body["errors"] == [{"field": "organizations", "message": body["detail"]}]
    assert "neither the management account" in body["detail"]
    assert (await stage.http.get("/v1/connectors/prod")).status_code == 404


async def test_the_external_ids_of_single_accounts_are_secrets_too(stage: Stage) -> None:
    overrides = {MEMBER: {"external_id": "s3cret-child"}, "333333333333": {"role_name": "Reader"}}
    text = (await stage.add(organizations=True, account_overrides=overrides)).text
    assert "s3cret-child" not in text
    shown = (await stage.http.get("/v1/connectors/prod")).json()["settings"]["account_overrides"]
    assert shown[MEMBER]["external_id"] == "set"
    assert shown["333333333333"] == {"role_name": "Reader", "external_id": None}


async def test_a_gap_is_accepted_listed_and_withdrawn(stage: Stage) -> None:
    await stage.add(organizations=True)
    assert (await gaps(stage)).status_code == 201
    (gap,) = (await stage.http.get("/v1/connectors/prod/gaps")).json()["gaps"]
    assert (gap["account"], gap["reason"]) == (MEMBER, "It is being closed.")
    assert (await stage.http.delete(f"/v1/connectors/prod/gaps/{MEMBER}")).json()["withdrawn"] is True
    assert (await stage.http.get("/v1/connectors/prod/gaps")).json()["gaps"] == []
    assert (await stage.http.delete(f"/v1/connectors/prod/gaps/{MEMBER}")).status_code == 404


async def test_a_gap_that_makes_no_sense_names_the_field(stage: Stage) -> None:
    await stage.add(organizations=True)
    for body, field in (
        ({"account": "12"}, "account"),
        ({"reason": " "}, "reason"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "2031-01-01T00:00:00"}, "until"),
    ):
        refused = await gaps(stage, **body)
        assert refused.status_code == 422, body
        assert [each["field"] for each in refused.json()["errors"]] == [field]


async def test_gaps_of_an_unknown_connector_are_not_found(stage: Stage) -> None:
    assert (await stage.http.get("/v1/connectors/nope/gaps")).status_code == 404
    assert (await gaps(stage)).status_code == 404


async def test_removing_a_connector_retires_what_it_read(stage: Stage) -> None:
    await loaded(stage)
    answer = await stage.http.delete("/v1/connectors/prod")
    assert answer.status_code == 200
    (scope,) = answer.json()["retired"]
    assert (scope["scope"], scope["connector"], scope["rows"]) == (SCOPE, "prod", 3)
    assert scope["purged_after"] > scope["retired_at"]
    assert (await stage.http.get("/v1/export")).text == ""
    assert (await stage.http.get("/v1/connectors/prod")).status_code == 404
    assert (await stage.http.delete("/v1/connectors/prod")).status_code == 404


async def test_a_retired_scope_is_purged_at_once_only_by_name_or_with_all(stage: Stage) -> None:
    await loaded(stage)
    await stage.http.delete("/v1/connectors/prod")
    purge = "/v1/retired/purge"
    assert (await stage.http.post(purge)).json()["purged"] == []
    assert (await stage.http.post(purge, json={"scope": "iam/999999999999"})).status_code == 404
    (listed,) = (await stage.http.get("/v1/retired")).json()["retired"]
    assert "removed" in listed["why"]
    (purged,) = (await stage.http.post(purge, json={"scope": SCOPE})).json()["purged"]
    assert (purged["scope"], purged["rows"]) == (SCOPE, 3)
    assert (await stage.http.get("/v1/retired")).json()["retired"] == []
    assert (await stage.http.post(purge, json={"all": True})).json()["purged"] == []


async def test_the_history_is_newest_first_with_sums(stage: Stage) -> None:
    first = await loaded(stage)
    second = await runs.request(stage.graph, "prod", cause="interval", traceparent=None)
    found = (await stage.http.get("/v1/runs")).json()["runs"]
    assert [each["run"] for each in found] == [second, first]
    assert [(each["cause"], each["state"]) for each in found] == [("interval", "requested"), ("manual", "complete")]
    assert (found[1]["parts"], found[1]["calls"]) == ({"complete": 1}, 1)
    assert found[1]["seconds"] > 0
    assert "scopes" not in found[0]
    params: dict[str, Any] = {"connector": "prod", "limit": 1}
    assert [each["run"] for each in (await stage.http.get("/v1/runs", params=params)).json()["runs"]] == [second]
    assert (await stage.http.get("/v1/runs", params={"connector": "nope"})).json()["runs"] == []
    assert (await stage.http.get("/v1/runs", params={"limit": 0})).status_code == 422


async def test_status_counts_the_accounts_of_each_connector(stage: Stage) -> None:
    await loaded(stage)
    status = (await stage.http.get("/v1/status")).json()
    assert status["connectors"][0]["accounts"] == {"complete": 1}
    assert "scopes" not in status["connectors"][0]["last_run"]


async def test_an_accepted_gap_does_not_spoil_the_status(stage: Stage) -> None:
    await loaded(stage)
    await gaps(stage, account=ACCOUNT)
    status = (await stage.http.get("/v1/status")).json()
    assert status["connectors"][0]["accounts"] == {"unreachable": 1}
    assert status["state"] == "complete"
    assert "It is being closed." in status["scopes"][0]["reason"]["text"]
