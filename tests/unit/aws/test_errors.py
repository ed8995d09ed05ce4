"""The error table: what AWS or botocore says, the cause it is, and what the sentence must name."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from grantwire.aws import codes
from grantwire.aws.errors import (
    WRONG_ACCOUNT,
    Asked,
    behind,
    clock_ahead,
    failure,
    inconsistent,
    lacks_permission,
    refused_credentials,
    wrong_account,
)
from grantwire.aws.replies import GarbledReply
from grantwire.aws.rules import BY_CODE
from grantwire.contracts.failures import AwsCause, AwsError

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::111122223333:role/GrantwireConnector"
ASKED = Asked("iam:ListUsers", "111122223333", ROLE)
ASSUMING = Asked("sts:AssumeRole", "111122223333", ROLE)
BASE = "arn:aws:iam::444455556666:role/Base"
CHILD = Asked("sts:AssumeRole", "111122223333", ROLE, BASE)
TREE = Asked("organizations:ListAccounts", "111122223333", ROLE)
CALLER = "arn:aws:iam::999988887777:user/grantwire"
TRANSIENT, DENIED, FINAL, CLOCK = AwsCause.TRANSIENT, AwsCause.DENIED, AwsCause.FINAL, AwsCause.CLOCK


def said(code: str, message: str = "words", status: int = 400, operation: str = "ListUsers", date: str = "") -> Any:
    headers = {"date": date} if date else {}
    meta: Any = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}, operation)


TABLE = [
    (said("Throttling", "Rate exceeded"), ASKED, TRANSIENT, "throttled iam:ListUsers in account 111122223333"),
    (said("TooManyRequestsException"), ASKED, TRANSIENT, "raise the connector's interval"),
    (said("Odd", status=429), ASKED, TRANSIENT, "throttled"),
    (said("ServiceFailure", status=500), ASKED, TRANSIENT, "could not answer iam:ListUsers"),
    (said("SomethingNew", status=503), ASKED, TRANSIENT, "HTTP 503"),
    (said("AccessDenied", "because no identity-based policy allows it"), ASKED, DENIED, '"Action": "iam:ListUsers"'),
    (
        said("AccessDenied", "with an explicit deny in a service control policy"),
        ASKED,
        DENIED,
        "a policy of its organization denies it",
    ),
    (
        said("AccessDenied", f"User: {CALLER} is not authorized to perform: sts:AssumeRole", operation="AssumeRole"),
        ASSUMING,
        DENIED,
        f"sts:AssumeRole on {ROLE}: the role does not exist, does not trust {CALLER} or asks for another external id",
    ),
    (
        said("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", operation="AssumeRole"),
        CHILD,
        DENIED,
        f"on {ROLE} in account 111122223333: the role does not exist there, does not trust {BASE} or",
    ),
    (said("AccessDenied", operation="AssumeRole"), CHILD, DENIED, "or the account is suspended or closed; next: "),
    (
        said("AccessDeniedException", "You don't have permissions to access this resource.", operation="ListAccounts"),
        TREE,
        DENIED,
        "management account and its delegated administrators",
    ),
    (
        said("AccessDeniedException", "User: x is not authorized to perform", operation="ListAccounts"),
        TREE,
        DENIED,
        '"Action": "organizations:ListAccounts"',
    ),
    (said("TooManyRequestsException", operation="ListAccounts"), TREE, TRANSIENT, "throttled organizations:ListAcc"),
    (said("ServiceException", status=500, operation="ListAccounts"), TREE, TRANSIENT, "could not answer"),
    (
        said("ConcurrentModificationException", operation="ListAccounts"),
        TREE,
        AwsCause.CONFLICT,
        "another change under way",
    ),
    (said("AWSOrganizationsNotInUseException", operation="ListAccounts"), TREE, FINAL, "belongs to no organization"),
    (said("TargetNotFoundException", operation="ListAccounts"), TREE, AwsCause.GONE, "does not exist"),
    (said("ParentNotFoundException", operation="ListAccounts"), TREE, AwsCause.GONE, "does not exist"),
    (said("AccountNotFoundException", operation="ListAccounts"), TREE, AwsCause.GONE, "does not exist"),
    (
        said("AccountNotRegisteredException", operation="ListAccounts"),
        TREE,
        AwsCause.GONE,
        "no longer a delegated administrator",
    ),
    (said("ExpiredToken"), ASKED, DENIED, "aws sso login"),
    (said("InvalidClientTokenId", status=403), ASKED, DENIED, "AWS_ACCESS_KEY_ID"),
    (said("SignatureDoesNotMatch", "The request signature we calculated"), ASKED, DENIED, "AWS_SECRET_ACCESS_KEY"),
    (
        said("SignatureDoesNotMatch", "Signature expired: 20261123T193000Z is now earlier than", 403),
        ASKED,
        CLOCK,
        "set it by NTP",
    ),
    (said("RequestExpired", date="Mon, 23 Nov 2026 19:30:00 GMT"), ASKED, CLOCK, "by 30 minutes (it is ahead)"),
    (said("RequestTimeTooSkewed", date="Mon, 23 Nov 2026 20:00:40 GMT"), ASKED, CLOCK, "by 40 s (it is behind)"),
    (said("NoSuchEntity", status=404), ASKED, AwsCause.GONE, "does not exist"),
    (said("ConcurrentModification", status=409), ASKED, AwsCause.CONFLICT, "another change under way"),
    (said("RegionDisabledException", operation="AssumeRole"), ASSUMING, FINAL, "AWS_REGION"),
    (said("PackedPolicyTooLarge", operation="AssumeRole"), ASSUMING, FINAL, "session policy"),
    (said("ValidationError", "1 validation error"), ASKED, FINAL, "1 validation error"),
    (boto.NoCredentialsError(), ASKED, DENIED, "AWS_PROFILE"),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), ASKED, DENIED, "No AWS credentials"),
    (boto.UnauthorizedSSOTokenError(), ASKED, DENIED, "aws sso login"),
    (boto.CredentialRetrievalError(provider="process", error_msg="x"), ASKED, TRANSIENT, "credential process"),
    (boto.ProfileNotFound(profile="prod"), ASKED, FINAL, "AWS_PROFILE"),
    (boto.EndpointConnectionError(endpoint_url="http://nowhere"), ASKED, TRANSIENT, "http://nowhere"),
    (boto.ConnectTimeoutError(endpoint_url="http://slow"), ASKED, TRANSIENT, "AWS_ENDPOINT_URL"),
    (boto.ConnectionClosedError(endpoint_url="http://cut"), ASKED, TRANSIENT, "could not reach AWS"),
    (boto.ReadTimeoutError(endpoint_url="http://slow"), ASKED, TRANSIENT, "GRANTWIRE_AWS_READ_TIMEOUT"),
    (boto.SSLError(endpoint_url="https://x", error=OSError("bad")), ASKED, FINAL, "AWS_CA_BUNDLE"),
    (boto.ParamValidationError(report="x"), ASKED, FINAL, "was not sent"),
    (GarbledReply("iam:ListUsers", "is cut: 3 of 9 bytes arrived"), ASKED, TRANSIENT, "is cut: 3 of 9 bytes"),
]


@pytest.mark.parametrize(("error", "asked", "cause", "words"), TABLE)
def test_every_failure_has_a_cause_and_a_sentence(error: Exception, asked: Asked, cause: AwsCause, words: str) -> None:
    found = failure(error, asked, now=NOW)
    assert found.cause is cause
    assert words in str(found)
    assert str(found).endswith(".")
    assert found.account == "111122223333"


WRITING = Asked("iam:AttachUserPolicy", "111122223333", ROLE, writes=True)
UNTRUSTED = boto.SSLError(endpoint_url="https://x", error=OSError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
OPEN = [  # a write's failure, and whether it may have been carried out
    (said("Throttling", operation="AttachUserPolicy"), False),
    (said("SlowDown", status=503, operation="AttachUserPolicy"), False),
    (said("AccessDenied", status=403, operation="AttachUserPolicy"), False),
    (said("NoSuchEntity", status=404, operation="AttachUserPolicy"), False),
    (said("LimitExceeded", status=409, operation="AttachUserPolicy"), False),
    (said("ConcurrentModification", status=409, operation="AttachUserPolicy"), False),
    (said("ExpiredToken", status=403, operation="AttachUserPolicy"), False),
    (said("ServiceFailure", status=500, operation="AttachUserPolicy"), True),
    (said("SomethingNew", status=502, operation="AttachUserPolicy"), True),
    (said("RequestTimeout", status=400, operation="AttachUserPolicy"), True),
    (said("301", status=301, operation="AttachUserPolicy"), True),
    (GarbledReply("iam:AttachUserPolicy", "is empty"), True),
    (boto.ReadTimeoutError(endpoint_url="http://slow"), True),
    (boto.ConnectionClosedError(endpoint_url="http://cut"), True),
    (boto.HTTPClientError(error=OSError("reset")), True),
    (boto.SSLError(endpoint_url="https://x", error=OSError("bad record mac")), True),
    (UNTRUSTED, False),
    (boto.EndpointConnectionError(endpoint_url="http://nowhere"), False),
    (boto.ConnectTimeoutError(endpoint_url="http://slow"), False),
    (boto.ProxyConnectionError(proxy_url="http://proxy"), False),
    (boto.NoCredentialsError(), False),
    (boto.ParamValidationError(report="x"), False),
    (said("ServiceFailure", status=500, operation="AssumeRole"), False),
    (GarbledReply("sts:AssumeRole", "is empty"), False),
]


@pytest.mark.parametrize(("error", "ambiguous"), OPEN)
def test_a_write_that_failed_says_whether_it_may_have_been_carried_out(error: Exception, ambiguous: bool) -> None:
    assert failure(error, WRITING, now=NOW).ambiguous is ambiguous
    assert not failure(error, ASKED, now=NOW).ambiguous, "a read changes nothing"


def test_an_answer_keeps_its_request_id() -> None:
    response: Any = {"Error": {"Code": "NoSuchEntity"}, "ResponseMetadata": {"RequestId": "r-1"}}
    assert failure(ClientError(response, "AttachUserPolicy"), WRITING, now=NOW).request_id == "r-1"


def test_no_code_stands_in_two_groups() -> None:
    groups = (
        codes.THROTTLES,
        codes.OUTAGES,
        codes.PERMISSIONS,
        codes.CREDENTIALS,
        codes.GONE,
        codes.CONFLICTS,
        codes.CLOCK,
        codes.NO_ORGANIZATION,
    )
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert frozenset().union(*groups) <= BY_CODE.keys()


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_code_in_the_table_can_be_said(code: str) -> None:
    found = failure(said(code), ASKED, now=NOW)
    assert found.code == code
    assert "{" not in str(found).replace('{"Effect"', "")


def test_a_renewal_that_fails_inside_another_call_is_named_as_the_renewal() -> None:
    found = failure(said("AccessDenied", operation="AssumeRole"), ASKED, now=NOW)
    assert found.operation == "sts:AssumeRole"
    assert not lacks_permission(found), "no other call will work either"


def test_what_is_ours_stays_and_what_is_nobodys_failure_is_raised() -> None:
    ours = AwsError("said", cause=FINAL, operation="x:Y", code="Z")
    assert failure(ours, ASKED, now=NOW) is ours
    with pytest.raises(RecursionError):
        failure(RecursionError(), ASKED, now=NOW)


def test_a_missing_permission_is_not_a_refused_credential() -> None:
    denied, expired = failure(said("AccessDenied"), ASKED, now=NOW), failure(said("ExpiredToken"), ASKED, now=NOW)
    assert (lacks_permission(denied), refused_credentials(denied)) == (True, False)
    assert (lacks_permission(expired), refused_credentials(expired)) == (False, True)


def test_credentials_that_are_over_when_they_arrive_mean_a_clock_ahead() -> None:
    error = clock_ahead("sts:AssumeRole", account=None, expired_at=datetime(2026, 11, 23, 19, 0, tzinfo=UTC), now=NOW)
    assert error.cause is CLOCK
    assert "by at least 60 minutes (it is ahead)" in str(error)


def test_answers_that_do_not_fit_are_read_again() -> None:
    assert inconsistent("iam:ListUsers", "a page has no Users").cause is TRANSIENT


def test_what_stands_behind_a_failure_keeps_its_kind_and_names_both_accounts() -> None:
    base = failure(said("AccessDenied", operation="AssumeRole"), ASSUMING, now=NOW)
    found = behind(base, "444455556666")
    assert (found.cause, found.code, found.operation) == (base.cause, base.code, base.operation)
    assert found.account == "111122223333", "the account that was not entered first"
    assert str(found).startswith("Account 444455556666 was not entered, because the connector's own credentials were")
    assert str(base) in str(found)


def test_a_role_that_leads_elsewhere_is_final() -> None:
    found = wrong_account("444455556666", "111122223333", "arn:aws:sts::111122223333:assumed-role/x/y")
    assert (found.cause, found.code) == (FINAL, WRONG_ACCOUNT)
    assert "444455556666" in str(found)
    assert "111122223333" in str(found)
