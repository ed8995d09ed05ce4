"""Which replies are believed."""

import pytest
from botocore.exceptions import ParamValidationError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from grantwire.aws.replies import GarbledReply, flaw, unspoilt

USERS = get_session().get_service_model("iam").operation_model("ListUsers")
WRITE = get_session().get_service_model("iam").operation_model("AttachUserPolicy")
JSON = get_session().get_service_model("organizations").operation_model("ListAccounts")
WHOLE = b'<?xml version="1.0"?>\n<ListUsersResponse xmlns="x"><ListUsersResult/></ListUsersResponse>'

BELIEVED = [
    (USERS, 200, {"content-length": str(len(WHOLE))}, WHOLE),
    (USERS, 200, {}, b"\xef\xbb\xbf \n" + WHOLE),
    (USERS, 200, {"content-encoding": "gzip", "content-length": "7"}, WHOLE),
    (WRITE, 200, {}, b"<AttachUserPolicyResponse/>"),
    (JSON, 200, {"content-length": "2"}, b"{}"),
    (JSON, 200, {}, b'\xef\xbb\xbf {"Accounts": []}\n'),
    (JSON, 400, {}, b""),
    (USERS, 503, {}, b"<html>sorry</html>"),
    (USERS, 403, {}, b""),
]
REFUSED = [
    (USERS, 200, {"content-length": "900"}, WHOLE, "is cut"),
    (USERS, 503, {"content-length": "900"}, b"<Err", "is cut"),
    (USERS, 200, {"content-length": "0"}, b"", "is empty"),
    (USERS, 200, {}, b" \n", "is empty"),
    (USERS, 200, {}, b"<html><body>Please sign in</body></html>", "not AWS's"),
    (USERS, 200, {}, WHOLE.replace(b"ListUsersResponse", b"ListRolesResponse"), "not AWS's"),
    (USERS, 200, {}, b"{}", "not AWS's"),
    (WRITE, 200, {}, b"", "is empty"),
    (WRITE, 200, {}, b"<html><body>Please sign in</body></html>", "not AWS's"),
    (JSON, 200, {"content-length": "100"}, b'{"Accounts": [', "is cut"),
    (JSON, 200, {}, b"", "is empty"),
    (JSON, 200, {}, b"<html/>", "not AWS's"),
    (JSON, 200, {}, b"[]", "not AWS's"),
    (JSON, 200, {}, b'{"Accounts": [{"Id": "1', "not whole JSON"),
    (JSON, 200, {}, b'{"Us', "not whole JSON"),
    (JSON, 200, {}, b'{"a":' * 20_000, "not whole JSON"),
]


@pytest.mark.parametrize(("model", "status", "headers", "body"), BELIEVED)
def test_a_whole_reply_passes(model, status, headers, body) -> None:  # type: ignore[no-untyped-def]
    assert flaw(model, status, headers, body) is None


@pytest.mark.parametrize(("model", "status", "headers", "body", "why"), REFUSED)
def test_anything_else_is_refused_before_it_is_parsed(model, status, headers, body, why) -> None:  # type: ignore[no-untyped-def]
    assert why in (flaw(model, status, headers, body) or "")


@pytest.mark.parametrize(
    "error", [KeyError("ListUsersResult"), ResponseParserError("x"), ValueError("a time"), TypeError()]
)
def test_what_the_parser_stumbles_over_is_a_garbled_reply(error: Exception) -> None:
    def parse() -> None:
        raise error

    with pytest.raises(GarbledReply) as caught:
        unspoilt("iam:ListUsers", parse)
    assert caught.value.operation == "iam:ListUsers"


def test_botocores_own_errors_pass() -> None:
    def refuse() -> None:
        raise ParamValidationError(report="x")

    with pytest.raises(ParamValidationError):
        unspoilt("iam:ListUsers", refuse)
