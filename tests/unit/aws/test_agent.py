"""What AWS's logs show of who asks."""

from typing import Any

import pytest
from botocore.credentials import Credentials

from grantwire.aws.clients import holding, iam_client
from grantwire.aws.settings import AwsSettings


class _Sent(Exception):
    """Nothing leaves the machine."""


def _said() -> str:
    """The header of one request."""
    client: Any = iam_client(holding(Credentials("id", "secret")), "us-east-1", AwsSettings())
    heard: list[str] = []

    def hear(request: Any, **_: Any) -> None:
        heard.append(request.headers["User-Agent"].decode())
        raise _Sent

    client.meta.events.register("before-send", hear)
    with pytest.raises(_Sent):
        client.list_users()
    return heard[0]


def test_it_names_botocore_the_platform_and_us() -> None:
    said = _said()
    for part in ("Boto3/", "Botocore", "ua/2.1", "os/", "lang/python#"):
        assert part in said
    assert said.endswith(" grantwire")


def test_it_names_what_awss_own_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "ours")
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
    assert "app/ours" in _said()
    assert "exec-env/AWS_ECS_FARGATE" in _said()
