"""The application behind the real validation door, on a simulated organization with everything a connector can read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx

from grantwire.api.validation import AwsDoor
from grantwire.graph import Graph
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from grantwire.scim import allowed_origin
from tests.integration.aws.entering import QUICK

FEW = DirectorySizes(4, 3, 3, 3)
EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"
NOBODY = "arn:aws:iam::{}:role/Nobody"


@contextmanager
def everything(center: str = "organization", partition: str = "aws") -> Iterator[Sandbox]:
    """Five accounts without trouble, Identity Center, SCIM and credentials."""
    with start(
        1,
        users=4,
        groups=2,
        roles=4,
        accounts=5,
        calm=True,
        partition=partition,
        identity_center=center,
        directory=FEW,
        credentials=True,
        scim=center == "organization",
    ) as sandbox:
        yield sandbox


def door(sandbox: Sandbox) -> AwsDoor:
    """The api's own, quick to give up, and allowed to ask the sandbox's SCIM endpoint."""
    return AwsDoor(QUICK, (allowed_origin(sandbox.endpoint),))


@dataclass
class Life:
    """The api and the simulated organization in front of it."""

    http: httpx.AsyncClient
    graph: Graph
    sandbox: Sandbox

    def settings(self, **but: Any) -> dict[str, Any]:
        """Of a connector of the whole organization, whose roles are there already."""
        found = dict(self.sandbox.facts["connectors"]["organization"])
        found.pop("unreachable")
        return {"id": "prod", "organizations": True, **found, **but}

    async def add(self, **but: Any) -> httpx.Response:
        wanted = {name: value for name, value in self.settings(**but).items() if value is not ...}
        return await self.http.post("/v1/connectors", json=wanted)

    async def draft(self, **settings: Any) -> dict[str, Any]:
        found = await self.http.post("/v1/connectors", params={"draft": True}, json={"id": "prod", **settings})
        assert found.status_code in (200, 201), found.text
        body: dict[str, Any] = found.json()
        return body

    async def get(self, path: str = "") -> dict[str, Any]:
        found = await self.http.get(f"/v1/connectors/prod{path}")
        assert found.status_code == 200, found.text
        body: dict[str, Any] = found.json()
        return body

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.http.post(f"/v1/connectors/prod{path}", json=body)

    async def set_role(self, arn: str, **more: Any) -> httpx.Response:
        return await self.http.put("/v1/connectors/prod/role", json={"role_arn": arn, **more})

    def admin(self, account: str | None = None) -> Any:
        """IAM of an account, as somebody who may do everything there."""
        keys = self.sandbox.facts["admin_of"][account or self.sandbox.account]
        return boto3.client(
            "iam",
            endpoint_url=self.sandbox.endpoint,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )

    def apply(self, setup: dict[str, Any], account: str | None = None, role: str = "connector") -> str:
        """Do what a setup says: make the role with exactly its policies. Returns its ARN."""
        (wanted,) = [each for each in setup["roles"] if each["role"] == role]
        iam = self.admin(account)
        trust = json.dumps(wanted["trust_policy"])
        try:
            made = iam.create_role(RoleName=wanted["name"], AssumeRolePolicyDocument=trust)
        except iam.exceptions.EntityAlreadyExistsException:
            iam.update_assume_role_policy(RoleName=wanted["name"], PolicyDocument=trust)
            made = iam.get_role(RoleName=wanted["name"])
        document = json.dumps(wanted["permissions_policy"])
        iam.put_role_policy(RoleName=wanted["name"], PolicyName="Grantwire", PolicyDocument=document)
        arn: str = made["Role"]["Arn"]
        return arn

    @property
    def scim(self) -> dict[str, str]:
        """The settings of the sandbox's SCIM endpoint."""
        found = self.sandbox.facts["scim"]
        return {"scim_endpoint": found["endpoint"], "scim_token": found["token"]}
