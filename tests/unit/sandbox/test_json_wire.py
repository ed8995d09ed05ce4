"""The wire of every operation of Organizations and Identity Center: botocore's own serializer and parser judge it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError, create_parser
from botocore.serialize import create_serializer

from grantwire.sandbox.wire import json_answers, json_requests, requests
from grantwire.sandbox.wire.answers import ModelViolation
from grantwire.sandbox.wire.dialects import CENTER, JSON, QUERY, dialect_of
from grantwire.sandbox.wire.services import JSON_SERVICES, load
from tests.unit.sandbox.test_wire import Inventor

OPERATIONS = [
    pytest.param(load(name).model.operation_model(operation), id=f"{name}.{operation}")
    for name in (*JSON_SERVICES, "sso", "identitystore")
    for operation in load(name).model.operation_names
]


# A union has one member, which what is invented here has not always; botocore then refuses to read it.
UNIONS = {"GetApplicationGrant", "ListApplicationGrants", "DescribeGroupMembership"}


def _read(operation: OperationModel, body: bytes, status: int = 200) -> dict[str, Any]:
    response = {"body": body, "headers": {"x-amzn-requestid": "r-1"}, "status_code": status}
    parser: Any = create_parser("json")  # the stubs deny that an operation may have no output
    return dict(parser.parse(response, operation.output_shape))


@pytest.mark.parametrize("full", [True, False], ids=["all", "required"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_that_botocore_writes_is_read_back(operation: OperationModel, full: bool) -> None:
    shape = operation.input_shape
    given = Inventor(operation.name, full).value(shape) if shape is not None else {}
    sent = create_serializer("json", include_validation=False).serialize_to_request(given, operation)
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    name, fields = JSON.read(headers, sent["body"])
    assert name == operation.name
    assert JSON.parse(shape, fields) == given


@pytest.mark.parametrize("full", [True, False], ids=["all", "required"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_botocore_reads_what_we_answer(operation: OperationModel, full: bool) -> None:
    given = Inventor(operation.name, full).value(operation.output_shape) if operation.output_shape else {}
    answer = json_answers.success(operation, given)
    try:
        read = _read(operation, answer)
    except ResponseParserError as error:
        assert operation.name in UNIONS, error
        pytest.xfail("a union without exactly one member")
    assert read.pop("ResponseMetadata")["RequestId"] == "r-1"
    assert read == given


@pytest.mark.parametrize("operation", OPERATIONS)
def test_botocore_reads_our_errors(operation: OperationModel) -> None:
    for shape in operation.error_shapes[:3]:
        read = _read(operation, json_answers.error(shape.name, "it's <no> & way", {}), 400)
        assert (read["Error"]["Code"], read["Error"]["Message"]) == (shape.name, "it's <no> & way")


LIST_ACCOUNTS = load("organizations").model.operation_model("ListAccounts")
LIST_TAGS = load("organizations").model.operation_model("ListTagsForResource")


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (LIST_ACCOUNTS, {"Accounts": [{"Colour": "red"}]}),  # no such member
        (LIST_ACCOUNTS, {"Accounts": [{"Name": 1}]}),  # another type
        (LIST_ACCOUNTS, {"Accounts": [{"State": "GONE"}]}),  # not in the enum
        (LIST_ACCOUNTS, {"Accounts": [{"Name": "\ud800"}]}),  # no UTF-8
        (LIST_ACCOUNTS, {"Accounts": "a"}),
        (LIST_TAGS, {"Tags": [{"Key": "a"}]}),  # Value is required
        (load("organizations").model.operation_model("MoveAccount"), {"Moved": True}),  # has no output
    ],
)
def test_an_answer_outside_the_model_is_refused(operation: OperationModel, answer: dict[str, Any]) -> None:
    with pytest.raises(ModelViolation):
        json_answers.success(operation, answer)


@pytest.mark.parametrize(
    ("operation", "params", "reason"),
    [
        ("ListAccounts", {"MaxResults": 21}, "MAX_VALUE_EXCEEDED"),
        ("ListAccounts", {"MaxResults": 0}, "MIN_VALUE_EXCEEDED"),
        ("ListChildren", {"ParentId": "r-abcd", "ChildType": "PET"}, "INVALID_ENUM"),
        ("DescribeAccount", {"AccountId": "1"}, "INVALID_PATTERN"),
        ("DescribeAccount", {"AccountId": "1" * 13}, "MAX_LENGTH_EXCEEDED"),
        ("DescribeAccount", {}, "INPUT_REQUIRED"),
    ],
)
def test_input_outside_the_model_has_a_reason(operation: str, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(requests.Invalid) as caught:
        requests.check(load("organizations").model.operation_model(operation).input_shape, params)
    problem = JSON.invalid(caught.value)
    assert (problem.code, problem.more) == ("InvalidInputException", {"Reason": reason})


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"\xff", b'{"MaxResults": "5"}', b'{"MaxResults": true}', b'{"NextToken": 1}']
)
def test_what_is_no_body_of_the_operation_is_refused(body: bytes) -> None:
    with pytest.raises(requests.Invalid) as caught:
        json_requests.parse(LIST_ACCOUNTS.input_shape, json_requests.body(body))
    assert JSON.invalid(caught.value).code == "SerializationException"


def test_null_is_absent_and_the_unknown_is_ignored() -> None:
    body = json.dumps({"MaxResults": None, "Colour": "red"}).encode()
    assert json_requests.parse(LIST_ACCOUNTS.input_shape, json_requests.body(body)) == {}
    assert json_requests.body(b"") == {}


def test_each_service_speaks_its_protocol() -> None:
    assert [dialect_of(load(name)) for name in ("sts", "iam", "organizations")] == [QUERY, QUERY, JSON]
    assert [dialect_of(load(name)) for name in ("sso", "identitystore")] == [CENTER, CENTER]


def test_identity_center_has_words_of_its_own() -> None:
    with pytest.raises(requests.Invalid) as caught:
        shape = load("sso").model.operation_model("ListInstances").input_shape
        requests.check(shape, {"MaxResults": 101})
    assert CENTER.invalid(caught.value).code == "ValidationException"
    assert CENTER.problem("Throttling", "x", 400).code == "ThrottlingException"
    assert JSON.problem("Throttling", "x", 400).code == "TooManyRequestsException"


def test_a_document_may_be_any_json() -> None:
    shape = load("identitystore").model.operation_model("GetUserId").input_shape
    for value in ("a", 1, ["b"], {"c": None}):
        attribute = {"AttributePath": "userName", "AttributeValue": value}
        body = {"IdentityStoreId": "d-0123456789", "AlternateIdentifier": {"UniqueAttribute": attribute}}
        assert json_requests.parse(shape, body) == body
        requests.check(shape, body)
