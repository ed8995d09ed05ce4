"""Every wrong turn on the way to a connector: the status, the field that is named, and the sentence."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
import pytest_asyncio

from grantwire.graph import connectors
from grantwire.sandbox.server import Sandbox
from tests.integration.api.conftest import application
from tests.integration.api.living import EVERYTHING, NOBODY, Life, door, everything
from tests.integration.collectors.conftest import use

TENANT = "11111111-2222-3333-4444-555555555555/scim/v2/"
TOKEN = "a-token-of-more-than-sixteen-characters"
CHILD = "OrganizationAccountAccessRole"


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


def scim(endpoint: str, token: str = TOKEN) -> dict[str, Any]:
    return {"scim": True, "scim_endpoint": endpoint, "scim_token": token}


# What the settings say themselves: nobody is asked.
MALFORMED: list[tuple[dict[str, Any], str, str]] = [
    ({"role_arn": "Grantwire"}, "role_arn", "'Grantwire' is not the ARN of an IAM role; one looks like arn:aws:iam::"),
    ({"role_arn": "arn:aws:iam::123456789012:user/x"}, "role_arn", "is not the ARN of an IAM role"),
    ({"role_arn": "arn:aws-iso:iam::123456789012:role/X"}, "role_arn", "is of the unknown AWS partition 'aws-iso'"),
    ({"external_id": "a b"}, "external_id", "an external id has 2 to 1,224 letters"),
    ({"organizations": False, "identity_center": True}, "identity_center", "it needs organizations"),
    ({"identity_center_region": "Frankfurt"}, "identity_center_region", "is not the name of an AWS region"),
    ({"identity_center_region": "cn-north-1"}, "identity_center_region", "is a region of the partition aws-cn"),
    ({"scim": True, "scim_token": TOKEN}, "scim_endpoint", "it is missing, and scim is on"),
    ({"scim": True, "scim_endpoint": "https://x"}, "scim_token", "it is missing, and scim is on"),
    (scim(f"https://scim.cn-north-1.amazonaws.com.cn/{TENANT}"), "scim_endpoint", "is of the partition aws-cn, but"),
    (scim("https://169.254.169.254/latest/"), "scim_endpoint", "names the IP address 169.254.169.254"),
    (scim(f"http://scim.us-east-1.amazonaws.com/{TENANT}"), "scim_endpoint", "is plain http"),
    (scim(f"https://scim.us-east-1.amazonaws.com/{TENANT}", "short"), "scim_token", "fewer than 16 characters"),
    ({"role_arn": ..., "operator_role_arn": NOBODY.format("210987654321")}, "operator_role_arn", "next: set role_arn"),
    (
        {"operator_role_arn": "arn:aws-cn:iam::210987654321:role/Operator"},
        "operator_role_arn",
        "it is of the partition aws-cn, and role_arn of aws",
    ),
    ({"interval": "0s"}, "interval", "an interval is from 1 second to 7 days"),
    ({"include_ous": ["root"]}, "include_ous", "is not the id of a root (r-…) or an organizational unit"),
    ({"regions": ["us-east-1"]}, "regions", "is not a field of a connector; the fields are id, name, role_arn"),
]


@pytest.mark.parametrize(("but", "field", "says"), MALFORMED, ids=[f"{row[1]}-{row[2][:20]}" for row in MALFORMED])
async def test_settings_that_cannot_be_accepted(life: Life, but: dict[str, Any], field: str, says: str) -> None:
    refused = await life.add(**but)
    body = refused.json()
    assert (refused.status_code, body["type"]) == (422, "urn:grantwire:problem:invalid")
    assert refused.headers["content-type"] == "application/problem+json"
    assert [each["field"] for each in body["errors"]] == [field]
    assert says in body["errors"][0]["message"]
    assert says in body["detail"]
    assert life.sandbox.control("GET", "calls")["operations"] == {}, "nobody was asked"
    assert (await life.http.get("/v1/connectors/prod")).status_code == 404
    assert TOKEN not in refused.text


@pytest.mark.parametrize(
    ("but", "field", "says"), MALFORMED[:4], ids=[f"{row[1]}-{row[2][:20]}" for row in MALFORMED[:4]]
)
async def test_a_draft_and_a_change_name_the_same_fields(
    life: Life, but: dict[str, Any], field: str, says: str
) -> None:
    drafted = await life.http.post("/v1/connectors", params={"draft": True}, json={"id": "prod", **but})
    await life.add()
    changed = await life.http.patch("/v1/connectors/prod", json=but)
    tested = await life.post("/test", but)
    for refused in (drafted, changed, tested):
        assert refused.status_code == 422
        assert [each["field"] for each in refused.json()["errors"]] == [field]
        assert says in refused.json()["detail"]


async def test_every_contradiction_is_named_at_once(life: Life) -> None:
    refused = (await life.add(organizations=False, identity_center=True, scim=True)).json()
    assert [each["field"] for each in refused["errors"]] == ["identity_center", "scim_endpoint", "scim_token"]


# What AWS says.


async def refused_by_aws(life: Life, status: int, **but: Any) -> dict[str, Any]:
    refused = await life.add(**but)
    assert refused.status_code == status, refused.text
    assert (await life.http.get("/v1/connectors/prod")).status_code == 404, "it was kept"
    body: dict[str, Any] = refused.json()
    return body


def fields(body: dict[str, Any]) -> list[str]:
    return [each["field"] for each in body.get("errors", [])]


async def test_a_role_that_does_not_exist(life: Life) -> None:
    body = await refused_by_aws(life, 403, role_arn=NOBODY.format(life.sandbox.account))
    assert fields(body) == ["role_arn", "external_id"]
    assert "role/Nobody: the role does not exist, does not trust arn:aws:iam::" in body["detail"]
    assert (body["operation"], body["code"]) == ("sts:AssumeRole", "AccessDenied")


async def test_a_missing_external_id(life: Life) -> None:
    body = await refused_by_aws(life, 403, external_id=...)
    assert "asks for another external id" in body["detail"]
    assert {"field": "external_id", "message": body["errors"][1]["message"]} == body["errors"][1]
    assert body["errors"][1]["message"].startswith("none is given: where the trust policy has a condition")


async def test_a_role_that_trusts_another_external_id(life: Life) -> None:
    body = await refused_by_aws(life, 403, external_id="another-one")
    assert body["errors"][1]["message"].startswith("it must be the one in the trust policy's condition")
    assert "another-one" not in json.dumps(body)


async def test_a_role_that_trusts_somebody_else(life: Life) -> None:
    wanted = life.settings()
    trust = {"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"}
    life.admin().update_assume_role_policy(
        RoleName=wanted["role_arn"].rpartition("/")[2],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    body = await refused_by_aws(life, 403)
    assert body["errors"][0]["message"].endswith("does its trust policy name who runs Grantwire?")


async def test_an_operator_role_that_does_not_let_us_in(life: Life) -> None:
    operator = NOBODY.format(life.sandbox.facts["organization"]["member_accounts"][0])
    body = await refused_by_aws(life, 403, operator_role_arn=operator)
    assert fields(body) == ["operator_role_arn", "operator_external_id"]
    assert f"on the operator role {operator}" in body["detail"]


async def test_a_region_of_another_partition_around_us(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    body = await refused_by_aws(life, 400)
    assert fields(body) == ["role_arn"]
    assert "belongs to the AWS partition 'aws-cn'" in body["detail"]
    assert "next: unset AWS_REGION" in body["detail"]


async def test_a_role_of_another_partition(life: Life) -> None:
    body = await refused_by_aws(life, 400, role_arn=life.settings()["role_arn"].replace(":aws:", ":aws-us-gov:"))
    assert fields(body) == ["role_arn"]
    assert "but the connector's role to 'aws-us-gov'" in body["detail"]


async def test_a_member_accounts_role_cannot_see_the_organization(life: Life) -> None:
    account = life.sandbox.facts["organization"]["member_accounts"][-1]
    iam = life.admin(account)
    iam.attach_role_policy(RoleName=CHILD, PolicyArn=EVERYTHING)
    trust = {"Effect": "Allow", "Principal": {"AWS": life.sandbox.plan.operator_account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=CHILD, PolicyDocument=document)
    role = f"arn:aws:iam::{account}:role/{CHILD}"
    body = await refused_by_aws(life, 400, role_arn=role, external_id=...)
    assert (body["type"], fields(body)) == ("urn:grantwire:problem:unsuitable", ["organizations"])
    assert "only an organization's management account and its delegated administrators may ask" in body["detail"]
    assert "next: give the connector a role of one of these, or switch its organizations off" in body["detail"]
    alone = await life.add(role_arn=role, external_id=..., organizations=False)
    assert alone.status_code == 201, "the way out works"


async def test_identity_center_in_another_region(life: Life) -> None:
    body = await refused_by_aws(life, 400, identity_center=True, identity_center_region="eu-west-1")
    assert fields(body) == ["identity_center_region"]
    assert "sees no Identity Center instance in the region eu-west-1" in body["detail"]
    assert "but one in us-east-1; next: set identity_center_region to us-east-1" in body["detail"]


async def test_the_instance_that_is_found_is_kept(life: Life) -> None:
    assert (await life.add(identity_center=True)).status_code == 201
    center = (await connectors.get(life.graph, "prod")).identity_center
    (instance,) = life.sandbox.facts["identity_center"]["instances"]
    assert center is not None
    assert (center.instance_arn, center.region) == (instance["instance_arn"], life.sandbox.region)


@pytest.mark.parametrize(
    ("center", "field", "says"),
    [
        ("several", "identity_center", "sees 2 Identity Center instances"),
        ("account", "identity_center", "an account instance has no permission sets"),
        ("none", "identity_center_region", "sees no Identity Center instance in the region"),
    ],
)
async def test_other_instances(
    urls: dict[str, str], center: str, field: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with everything(center) as sandbox:
        use(sandbox, monkeypatch)
        async with application(urls, door(sandbox)) as (http, graph, _):
            body = await refused_by_aws(Life(http, graph, sandbox), 400, identity_center=True)
    assert fields(body) == [field]
    assert says in body["detail"]


async def test_base_credentials_that_have_expired_are_nobodys_field(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, sts = life.settings(), boto3.client("sts", endpoint_url=life.sandbox.endpoint)
    given = sts.assume_role(
        RoleArn=wanted["role_arn"], ExternalId=wanted["external_id"], RoleSessionName="base", DurationSeconds=900
    )["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    life.sandbox.control("POST", "clock", {"advance": 1_000})
    body = await refused_by_aws(life, 403)
    assert fields(body) == []
    assert "the credentials have expired (ExpiredToken); next: renew the credentials this process was" in body["detail"]


@pytest.mark.parametrize(
    ("kind", "field", "says"),
    [("unauthorized", "scim_token", "rotate the token"), ("redirect", "scim_endpoint", "which is not followed")],
)
async def test_a_scim_endpoint_that_does_not_take_the_token(life: Life, kind: str, field: str, says: str) -> None:
    life.sandbox.fault({"kind": kind, "service": "scim", "to": "https://example.com/"})
    body = await refused_by_aws(life, 400, scim=True, **life.scim)
    assert fields(body) == [field]
    assert says in body["detail"]
    assert life.scim["scim_token"] not in json.dumps(body)


async def test_what_may_pass_is_no_fault_of_a_field(life: Life) -> None:
    life.sandbox.fault({"kind": "throttle", "operation": "AssumeRole"})
    body = await refused_by_aws(life, 503)
    assert (fields(body), body["type"]) == ([], "urn:grantwire:problem:aws-unavailable")


async def test_what_nothing_acts_on_yet_is_named(life: Life) -> None:
    body = (await life.add(last_login=True, provisioning=True, identity_center=True, scim=True, **life.scim)).json()
    assert body["not_yet_acting"] == ["last_login"]


# Trying out: the same turns as points of a list, nothing saved.


async def tried(life: Life, **changes: Any) -> dict[str, dict[str, Any]]:
    found = await life.post("/test", changes)
    assert found.status_code == 200, found.text
    assert found.json()["ok"] is False
    return {check["name"]: check for check in found.json()["checks"] if check["state"] == "failed"}


async def test_trying_out_names_every_wrong_point_and_saves_nothing(life: Life) -> None:
    await life.add(identity_center=True, scim=True, **life.scim)
    before = await life.get()
    wrong = await tried(life, identity_center_region="eu-west-1", scim_token=TOKEN)
    assert {name: check["field"] for name, check in wrong.items()} == {
        "identity_center": "identity_center_region",
        "scim": "scim_token",
    }
    assert wrong["scim"]["next_step"].startswith("rotate the token")
    entered = await tried(life, external_id="another-one")
    assert list(entered) == ["account"]
    assert (await tried(life, identity_center_region="cn-north-1"))["settings"]["field"] == "identity_center_region"
    assert await life.get() == before


async def test_a_missing_permission_is_a_point_with_the_statement_to_add(life: Life) -> None:
    await life.add()
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:ListRoles", "Resource": "*"}]}
    life.admin().put_role_policy(
        RoleName="GrantwireOrganization", PolicyName="Withheld", PolicyDocument=json.dumps(deny)
    )
    wrong = await tried(life)
    assert '"Action": "iam:ListRoles"' in wrong["iam:ListRoles"]["next_step"]


async def test_an_optional_permission_that_is_missing_spoils_nothing(life: Life) -> None:
    await life.add()
    action = "iam:GetAccountAuthorizationDetails"
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
    life.admin().put_role_policy(
        RoleName="GrantwireOrganization", PolicyName="Withheld", PolicyDocument=json.dumps(deny)
    )
    found = (await life.post("/test")).json()
    (point,) = [check for check in found["checks"] if check["name"] == action]
    assert (found["ok"], point["state"], point["required"]) == (True, "failed", False)
