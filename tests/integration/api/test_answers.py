"""`can` and `who-can` over HTTP, through Identity Center."""

from grantwire.contracts.resources import Resource
from grantwire.contracts.snapshots import Outcome
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph.centers import STORE, Center, assigned, pair, permission_set, person, team
from tests.integration.graph.scenes import member, organization_bus, organization_of

ADMIN = permission_set("Admin")
IN = f"team 1234 ({ACCOUNT})"


async def center(stage: Stage, *people: Resource) -> Center:
    await organization_bus(stage.graph).send(organization_of(ACCOUNT))
    admins = team("Admins")
    links = [member(admins, each) for each in people]
    made = Center(stage.graph, people, [admins], links, [ADMIN], [assigned(admins, ADMIN, ACCOUNT)])
    await made.load([(ADMIN, ACCOUNT)])
    return made


async def test_an_answer_names_the_permission_set_in_the_account(stage: Stage) -> None:
    await center(stage, person("alice", "DISABLED", display_name="Alice \x1b[31m<b>Smith"))
    answer = (await stage.http.get("/v1/can", params={"principal": "ALICE"})).json()
    (path,) = [each for each in answer["paths"] if each["target"]["kind"] == "provisioned_permission_set"]
    assert path["target"]["display"] == f"Admin in {IN}"
    assert path["provisioned"] == [answer["provisioned"][0]["native_id"]] == [pair(ADMIN, ACCOUNT).native_id]
    assert (answer["provisioned"][0]["permission_set_name"], answer["provisioned"][0]["account"]) == ("Admin", ACCOUNT)
    assert path["note"] == "alice is DISABLED in the directory"
    assert "attributes" not in path["target"]
    back = (await stage.http.get("/v1/who-can", params={"target": f"{ACCOUNT}/admin"})).json()
    assert [each["source"]["name"] for each in back["paths"]] == ["Admins", "alice"]


async def test_a_stale_directory_makes_the_answer_stale(stage: Stage) -> None:
    made = await center(stage, person("alice"))
    fresh = (await stage.http.get("/v1/who-can", params={"target": ACCOUNT})).json()
    await made.buses[f"directory_memberships/{STORE}"].fail(Outcome.STALE)
    stale = (await stage.http.get("/v1/who-can", params={"target": ACCOUNT})).json()
    assert (fresh["state"] != "stale", stale["state"], len(stale["paths"])) == (True, "stale", 2)
    (ill,) = [scope for scope in stale["freshness"] if scope["state"] == "stale"]
    assert ill["scope"] == f"directory_memberships/{STORE}" and ill["reason"]["text"]
