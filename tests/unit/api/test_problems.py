"""Every failure leaves as problem+json that says what happened and what to do; a wrong field is named, never shown."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from grantwire import telemetry
from grantwire.api import problems
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import (
    Ambiguous,
    AwsCause,
    AwsError,
    Conflict,
    DependencyDown,
    GrantwireError,
    Invalid,
    NotFound,
)


@pytest.fixture(autouse=True)
def logs() -> None:
    telemetry.setup("test", level="critical")  # unconfigured, structlog draws every traceback with its variables


def aws(cause: AwsCause) -> AwsError:
    return AwsError("AWS said no.", cause=cause, operation="sts:AssumeRole", code="X")


def raising(error: Exception) -> Callable[[], None]:
    def route() -> None:
        raise error

    return route


async def ask(error: Exception) -> httpx.Response:
    app = FastAPI()
    app.add_api_route("/it", raising(error))
    problems.register(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.get("/it")


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (NotFound("No."), 404, "not-found"),
        (Ambiguous("Two.", ["a", "b"]), 409, "ambiguous"),
        (Conflict("Taken."), 409, "conflict"),
        (Invalid("Wrong.", "role_arn"), 422, "invalid"),
        (problems.Unsuitable("No organization.", "organizations"), 400, "unsuitable"),
        (DependencyDown("Away."), 503, "unavailable"),
        (GrantwireError("Broken."), 500, "failed"),
        (aws(AwsCause.DENIED), 403, "aws-denied"),
        (aws(AwsCause.CLOCK), 502, "aws-clock"),
        (aws(AwsCause.TRANSIENT), 503, "aws-unavailable"),
        (aws(AwsCause.GONE), 422, "aws-gone"),
        (aws(AwsCause.CONFLICT), 503, "aws-busy"),
        (aws(AwsCause.FINAL), 502, "aws-failed"),
        (ConnectionResetError("reset"), 503, "unavailable"),
        (ZeroDivisionError("secret"), 500, "unexpected"),
    ],
)
async def test_each_failure_has_its_problem(error: Exception, status: int, slug: str) -> None:
    answer = await ask(error)
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:grantwire:problem:{slug}"
    assert body["title"]
    assert body["detail"]
    assert body["next_step"]
    assert body["instance"] == "/it"


async def test_an_ambiguous_name_lists_its_candidates() -> None:
    assert (await ask(Ambiguous("Two.", ["a", "b"]))).json()["candidates"] == ["a", "b"]


async def test_what_nobody_foresaw_is_not_told() -> None:
    assert "secret" not in (await ask(ZeroDivisionError("secret"))).text


async def put(body: str) -> dict[str, str]:
    async def route(connector: Connector) -> str:
        return connector.id

    app = FastAPI()
    app.add_api_route("/v1/connectors", route, methods=["POST"])
    problems.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        answer = await http.post("/v1/connectors", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    found: dict[str, str] = answer.json()
    return found


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"id": "prod", "role_arn": "arn:aws:iam::1:user/x"}', "role_arn: 'arn:aws:iam::1:user/x' is not the ARN"),
        ('{"id": "Prod"}', "id: use 1 to 63 lower-case letters"),
        ('{"id": "prod", "rolearn": "x"}', "rolearn: is not a field of a connector; the fields are id, name, role_arn"),
        ("{}", "id: Field required"),
        ("{", "is not JSON"),
    ],
)
async def test_a_wrong_field_is_named_with_its_fix(body: str, says: str) -> None:
    assert says in (await put(body))["detail"]


async def test_a_wrong_secret_is_not_repeated() -> None:
    answer = await put('{"id": "prod", "external_id": "hunter2 hunter2"}')
    assert "external_id" in answer["detail"]
    assert "hunter2" not in str(answer)


async def test_an_unknown_route_is_a_problem_too() -> None:
    app = FastAPI()
    problems.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        answer = await http.get("/nowhere")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:grantwire:problem:no-such-route"
