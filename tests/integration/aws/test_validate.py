"""The api's door: is the connector let in, and what is said when it is not."""

import socket
from collections.abc import Iterator

import pytest

from grantwire.aws import AwsSettings, Checked, Identity, check_connector
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use

QUICK = AwsSettings(connect_timeout=1.0, read_timeout=20.0, attempts=1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with start(1, users=20, groups=3, roles=8) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    shared.control("POST", "reset")
    use(shared, monkeypatch)
    return shared


def connector(sandbox: Sandbox, **but: object) -> Connector:
    return Connector.model_validate({"id": "prod", **sandbox.facts["connectors"]["bulk"], **but})


async def test_a_connector_that_is_let_in_has_an_identity(sandbox: Sandbox) -> None:
    session = f"arn:aws:sts::{sandbox.account}:assumed-role/GrantwireConnector/grantwire-prod"
    assert await check_connector(connector(sandbox), QUICK) == Checked(Identity(sandbox.account, session, "aws"))
    assert sandbox.control("GET", "calls")["operations"] == {"sts.AssumeRole": 1}


async def test_ambient_credentials_have_an_identity_too(sandbox: Sandbox) -> None:
    found = await check_connector(connector(sandbox, role_arn=None, external_id=None), QUICK)
    assert found.identity.partition == "aws"
    assert ":user/" in found.identity.arn


@pytest.mark.parametrize("external_id", [None, "something-else"])
async def test_a_wrong_external_id_is_denied(sandbox: Sandbox, external_id: str | None) -> None:
    with pytest.raises(AwsError, match="asks for another external id") as caught:
        await check_connector(connector(sandbox, external_id=external_id), QUICK)
    assert (caught.value.cause, caught.value.operation) == (AwsCause.DENIED, "sts:AssumeRole")


async def test_a_role_that_does_not_exist_is_denied(sandbox: Sandbox) -> None:
    missing = f"arn:aws:iam::{sandbox.account}:role/Nobody"
    with pytest.raises(AwsError, match="Nobody: the role does not exist"):
        await check_connector(connector(sandbox, role_arn=missing), QUICK)


async def test_unknown_keys_are_said_to_be_unknown(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAQX7EXAMPLE012345")
    with pytest.raises(AwsError, match="does not know the credentials") as caught:
        await check_connector(connector(sandbox), QUICK)
    assert caught.value.code == "InvalidClientTokenId"


async def test_no_keys_are_said_to_be_missing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(AwsError, match="No AWS credentials were found"):
        await check_connector(connector(sandbox), QUICK)


async def test_an_endpoint_that_nobody_serves_is_unreachable(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(AwsError, match="AWS_ENDPOINT_URL") as caught:
            await check_connector(connector(sandbox), QUICK)
    assert caught.value.cause is AwsCause.TRANSIENT


async def test_a_region_of_another_partition_is_refused_before_anything_is_asked(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    with pytest.raises(AwsError, match="belongs to the AWS partition 'aws-cn'"):
        await check_connector(connector(sandbox), QUICK)
    assert sandbox.control("GET", "calls")["operations"] == {}


async def test_nothing_that_is_said_is_secret(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    sandbox.fault({"kind": "error", "service": "sts", "operation": "AssumeRole"})
    with pytest.raises(AwsError) as caught:
        await check_connector(connector(sandbox), QUICK)
    settings, keys = sandbox.facts["connectors"]["bulk"], sandbox.facts["credentials"]
    for secret in (settings["external_id"], keys["secret_access_key"]):
        assert secret not in str(caught.value) + caplog.text
