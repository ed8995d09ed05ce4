"""Every failure is a sentence with its thing, its cause and its next step."""

from datetime import UTC, datetime

import httpcore
import pytest

from grantwire.contracts.failures import AwsCause, ScimError
from grantwire.scim import flaws
from grantwire.scim.errors import failure, retry_after

HOST = "scim.us-east-1.amazonaws.com"
NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "cause", "code", "words"),
    [
        (400, AwsCause.FINAL, "ValidationException", "HTTP 400: no such filter"),
        (401, AwsCause.DENIED, "UnauthorizedException", "next: rotate the token: in IAM Identity Center, Settings"),
        (403, AwsCause.DENIED, "AccessDeniedException", "does not let it list users"),
        (404, AwsCause.FINAL, "ResourceNotFoundException", "no users under the path of scim_endpoint"),
        (408, AwsCause.TRANSIENT, "InternalServerException", "could not answer"),
        (418, AwsCause.FINAL, "UnknownStatus", "HTTP 418: no such filter"),
        (429, AwsCause.TRANSIENT, "ThrottlingException", "asks to wait 7 s"),
        (500, AwsCause.TRANSIENT, "InternalServerException", "HTTP 500"),
        (503, AwsCause.TRANSIENT, "InternalServerException", "asks to wait 7 s"),
        (204, AwsCause.FINAL, "UnknownStatus", "HTTP 204"),
        (302, AwsCause.FINAL, "Redirected", "redirect (HTTP 302), which is not followed"),
    ],
)
def test_a_status_has_its_cause_and_sentence(status: int, cause: AwsCause, code: str, words: str) -> None:
    error = failure(flaws.Refused(status, delay=7.0, said="no such\r\n filter."), HOST)
    assert (error.cause, error.code, error.operation, error.delay) == (cause, code, "scim:ListUsers", 7.0)
    assert words in str(error)
    assert HOST in str(error)
    assert "; next: " in str(error)


@pytest.mark.parametrize(
    ("raised", "cause", "code"),
    [
        (flaws.Forbidden("x leads to 10.0.0.1"), AwsCause.FINAL, "EndpointForbidden"),
        (flaws.Distrusted("self-signed certificate"), AwsCause.FINAL, "CertificateRefused"),
        (flaws.TokenRepeated(), AwsCause.FINAL, "TokenRepeated"),
        (flaws.Compressed(), AwsCause.FINAL, "Compressed"),
        (flaws.TooLarge(), AwsCause.FINAL, "Oversized"),
        (flaws.Garbled("is empty"), AwsCause.TRANSIENT, "GarbledReply"),
        (flaws.Unresolved("gaierror"), AwsCause.TRANSIENT, "Unresolved"),
        (TimeoutError(), AwsCause.TRANSIENT, "Timeout"),
        (httpcore.ConnectTimeout(), AwsCause.TRANSIENT, "Timeout"),
        (httpcore.RemoteProtocolError("peer closed"), AwsCause.TRANSIENT, "GarbledReply"),
        (httpcore.ConnectError("refused"), AwsCause.TRANSIENT, "Unreachable"),
        (ConnectionResetError("reset"), AwsCause.TRANSIENT, "Unreachable"),
    ],
)
def test_a_broken_call_has_its_cause_and_sentence(raised: Exception, cause: AwsCause, code: str) -> None:
    error = failure(raised, HOST)
    assert (error.cause, error.code) == (cause, code)
    assert "; next: " in str(error)
    assert failure(error, HOST) is error


def test_what_is_not_a_failure_of_a_call_is_raised_again() -> None:
    with pytest.raises(KeyError):
        failure(KeyError("ours"), HOST)


def test_the_endpoint_s_words_are_one_line_that_can_be_printed() -> None:
    error = failure(flaws.Refused(400, said="a\x1b[31m\u202e{host} " + "b" * 1_000), HOST)
    assert isinstance(error, ScimError)
    assert str(error).isprintable()
    assert len(str(error)) < 600
    assert "{host}" in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        ("-7", None),
        ("9" * 5_000, 999_999_999.0),
        ("soon", None),
        ("\u0663", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:30", None),
        ("Wed, 99 Oct 99999 07:28:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
