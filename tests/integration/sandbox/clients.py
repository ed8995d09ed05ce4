"""boto3 clients of a sandbox, as the product would make them: a key and an endpoint, nothing patched."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=30, connect_timeout=30)
IMPATIENT = ONCE.merge(Config(read_timeout=1))  # where nobody ever answers


def client(sandbox: Sandbox, service: str, key: Key | dict[str, Any], config: Config = ONCE) -> Any:
    """A client with a long-lived key, or with the credentials that AssumeRole gave."""
    given: dict[str, Any]
    if isinstance(key, Key):
        given = {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret_access_key}
    else:
        given = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "aws_session_token": key["SessionToken"],
        }
    # The stubs want a literal service name.
    make: Any = boto3.client
    return make(service, endpoint_url=sandbox.endpoint, region_name=sandbox.region, config=config, **given)


def admin(sandbox: Sandbox, service: str = "iam") -> Any:
    """A client of the administrator of the simulated account."""
    return client(sandbox, service, sandbox.plan.admin_credentials)


def operator(sandbox: Sandbox, service: str = "sts") -> Any:
    """A client of the operator, who lives in another account."""
    return client(sandbox, service, sandbox.plan.credentials)


def assume(sandbox: Sandbox, plan: str = "bulk", **more: Any) -> dict[str, Any]:
    """Credentials of a connector's role."""
    connector = sandbox.plan.bulk if plan == "bulk" else sandbox.plan.minimum
    given = {"RoleArn": connector.role_arn, "ExternalId": connector.external_id, "RoleSessionName": "test"} | more
    credentials: dict[str, Any] = operator(sandbox).assume_role(**given)["Credentials"]
    return credentials


def signed_post(sandbox: Sandbox, body: str, off: timedelta) -> tuple[int, str]:
    """Status and body of an IAM call by the administrator, signed by a client whose clock is off."""
    key, stamp = (
        sandbox.plan.admin_credentials,
        (datetime.fromtimestamp(time.time_ns() / 1e9, UTC) + off).strftime("%Y%m%dT%H%M%SZ"),
    )
    headers = {"X-Amz-Date": stamp, "Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest(method="POST", url=f"{sandbox.endpoint}/", data=body.encode(), headers=headers)
    request.context["timestamp"] = stamp
    auth = SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "iam", sandbox.region)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    scope = f"Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"
    given = Request(f"{sandbox.endpoint}/", body.encode(), headers | {"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
    try:
        with urlopen(given, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
