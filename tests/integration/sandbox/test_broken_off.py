"""A request whose sender is gone before all of it arrived is none, as at AWS: nothing is done, nothing is held
against anybody."""

import socket
from urllib.parse import urlsplit

import pytest

from grantwire.sandbox.server import Sandbox

WHOLE = b"Action=CreateUser&Version=2010-05-08&UserName=nobody"
HEAD = (
    b"POST / HTTP/1.1\r\nhost: iam.amazonaws.com\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    b"x-amz-date: 20260101T000000Z\r\n"
    b"authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/iam/aws4_request, "
    b"SignedHeaders=host;x-amz-date, Signature=00\r\n"
)


@pytest.mark.parametrize("arrived", [0, len(WHOLE) // 2], ids=["no body", "half of it"])
def test_a_request_that_is_broken_off_is_none(sandbox: Sandbox, arrived: int) -> None:
    address = urlsplit(sandbox.endpoint)
    before = sandbox.control("GET", "calls")
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(WHOLE) + WHOLE[:arrived])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b"", "the sandbox has noticed, and says nothing"
    assert sandbox.violations() == []
    assert sandbox.control("GET", "calls") == before
    assert sandbox.writes() == []
