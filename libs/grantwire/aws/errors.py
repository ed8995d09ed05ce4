"""What an AWS call's failure means, and the sentence a person gets: the thing, the cause, the next step.

One table for codes, one for botocore's own exceptions; the first row that fits says it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore import exceptions as boto
from botocore.exceptions import ClientError

from grantwire.aws import codes
from grantwire.aws.replies import GarbledReply
from grantwire.contracts.failures import AwsCause, AwsError

INCONSISTENT: Final = "InconsistentReply"
WRONG_ACCOUNT: Final = "WrongAccount"
_CALLER: Final = re.compile(r"User: (\S+) is not authorized")
_TIMES: Final = re.compile(r"[Ss]ignature (?:expired|not yet current)")
_ORGANIZATION: Final = re.compile(r"(service|resource) control policy")
_LONGEST: Final = 400  # characters of AWS's own words that a sentence repeats


@dataclass(frozen=True, slots=True)
class Asked:
    """Which call failed: ``operation`` is ``service:Operation``; the account asked and the role, where known."""

    operation: str
    account: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the cause and the sentence, whose ``{fields}`` are those of ``_fields``."""

    cause: AwsCause
    sentence: str


@dataclass(frozen=True, slots=True)
class _Reply:
    """AWS's own answer to a failed call."""

    code: str
    said: str
    status: int
    headers: Mapping[str, str]


ASSUME_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused sts:AssumeRole on {role}: the role does not exist, does not trust {caller} or asks for another "
    "external id; next: compare the role's trust policy with the one `grantwire setup aws` prints, and allow {caller} "
    "to call sts:AssumeRole on that role.",
)
ORGANIZATION_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: a policy of its organization denies it ({said}); next: ask who runs the "
    "organization to exempt the role from that policy.",
)
PERMISSION_DENIED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: {said}; next: add this to the role's permissions policy: "
    '{{"Effect": "Allow", "Action": "{operation}", "Resource": "*"}}.',
)
CLOCK: Final = Rule(
    AwsCause.CLOCK,
    "AWS refused {operation} because this machine's clock differs from AWS's{apart}; next: set it by NTP.",
)
EXPIRED: Final = Rule(
    AwsCause.DENIED,
    "AWS refused {operation} in {where}: the credentials have expired ({code}); next: renew the credentials this "
    "process was started with (for example `aws sso login`); an assumed role's are renewed by the next sync.",
)
UNKNOWN_KEY: Final = Rule(
    AwsCause.DENIED,
    "AWS does not know the credentials that asked for {operation} in {where} ({code}): the access key is wrong, "
    "inactive, deleted or of another partition; next: check AWS_ACCESS_KEY_ID or the profile this process uses.",
)
SIGNATURE: Final = Rule(
    AwsCause.DENIED,
    "AWS could not verify the signature of {operation} in {where} ({code}): the secret access key does not belong to "
    "the access key; next: set AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) from the same credentials.",
)
THROTTLED: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS throttled {operation} in {where} ({code}); next: nothing, it is asked again later; if this stays, raise the "
    "connector's interval or look for another tool that uses up the account's rate.",
)
OUTAGE: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS could not answer {operation} in {where} ({code}, HTTP {status}); next: nothing, it is asked again later.",
)
GONE: Final = Rule(AwsCause.GONE, "AWS says that what {operation} asked about in {where} does not exist ({said}).")
CONFLICT: Final = Rule(
    AwsCause.CONFLICT,
    "AWS refused {operation} in {where} because of another change under way ({code}: {said}); next: ask again later.",
)
REGION_OFF: Final = Rule(
    AwsCause.FINAL,
    "AWS refused {operation}: STS is switched off for the account in this region; next: activate the region under IAM, "
    "Account settings, or set AWS_REGION to an active one.",
)
SESSION_POLICY: Final = Rule(
    AwsCause.FINAL,
    "AWS refused the session policy for {role} ({code}: {said}); next: report this as a bug of Grantwire.",
)
OTHER: Final = Rule(
    AwsCause.FINAL, "AWS refused {operation} in {where} ({code}: {said}); next: no retry will help; read AWS's words."
)
GARBLED: Final = Rule(
    AwsCause.TRANSIENT,
    "The reply to {operation} in {where} {said}; nothing of it was used; next: it is asked again; if this stays, look "
    "for a proxy between this machine and AWS.",
)

BY_CODE: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(codes.PERMISSIONS, PERMISSION_DENIED),
    **dict.fromkeys(codes.EXPIRED, EXPIRED),
    **dict.fromkeys(codes.UNKNOWN_KEY, UNKNOWN_KEY),
    **dict.fromkeys(codes.SIGNATURE, SIGNATURE),
    **dict.fromkeys(codes.THROTTLES, THROTTLED),
    **dict.fromkeys(codes.OUTAGES, OUTAGE),
    **dict.fromkeys(codes.GONE, GONE),
    **dict.fromkeys(codes.CONFLICTS, CONFLICT),
    **dict.fromkeys(codes.CLOCK, CLOCK),
    "RegionDisabledException": REGION_OFF,
    "MalformedPolicyDocument": SESSION_POLICY,
    "PackedPolicyTooLarge": SESSION_POLICY,
}

NO_CREDENTIALS: Final = Rule(
    AwsCause.DENIED,
    "No AWS credentials were found for {operation}; next: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "AWS_PROFILE, or run where a role is attached.",
)
SIGN_IN: Final = Rule(
    AwsCause.DENIED, "The AWS sign-in of this process's profile is over ({said}); next: run `aws sso login`."
)
CREDENTIAL_SOURCE: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS credentials could not be fetched for {operation} ({said}); next: it is tried again; if this stays, check the "
    "profile, credential process or metadata service that should supply them.",
)
PROFILE: Final = Rule(
    AwsCause.FINAL, "The AWS profile cannot be used ({said}); next: set AWS_PROFILE to one that exists."
)
UNREACHABLE: Final = Rule(
    AwsCause.TRANSIENT,
    "{operation} could not reach AWS ({said}); next: check the network, the proxy and AWS_ENDPOINT_URL; it is "
    "tried again.",
)
READ_TIMEOUT: Final = Rule(
    AwsCause.TRANSIENT,
    "AWS did not answer {operation} in {where} in time ({said}); next: nothing, it is asked again later; if this "
    "stays, raise GRANTWIRE_AWS_READ_TIMEOUT.",
)
CERTIFICATE: Final = Rule(
    AwsCause.FINAL,
    "{operation} did not trust the endpoint's certificate ({said}); next: set AWS_CA_BUNDLE to the certificates of the "
    "proxy between this machine and AWS.",
)
REQUEST: Final = Rule(AwsCause.FINAL, "{operation} was not sent, because its request is not valid ({said}).")

BY_EXCEPTION: Final[tuple[tuple[type[Exception], Rule], ...]] = (
    (boto.NoCredentialsError, NO_CREDENTIALS),
    (boto.PartialCredentialsError, NO_CREDENTIALS),
    (boto.SSOError, SIGN_IN),
    (boto.TokenRetrievalError, SIGN_IN),
    (boto.CredentialRetrievalError, CREDENTIAL_SOURCE),
    (boto.MetadataRetrievalError, CREDENTIAL_SOURCE),
    (boto.ProfileNotFound, PROFILE),
    (boto.ConfigNotFound, PROFILE),
    (boto.SSLError, CERTIFICATE),
    (boto.ReadTimeoutError, READ_TIMEOUT),
    (boto.ConnectionError, UNREACHABLE),
    (boto.HTTPClientError, UNREACHABLE),
    (boto.BotoCoreError, REQUEST),
)


def failure(error: Exception, asked: Asked, *, now: datetime) -> AwsError:
    """The failure as ours. An ``AwsError`` stays itself; what is not a failure of a call is raised again."""
    if isinstance(error, AwsError):
        return error
    if isinstance(error, GarbledReply):
        return _said(GARBLED, Asked(error.operation, asked.account, asked.role_arn), "GarbledReply", said=error.why)
    if isinstance(error, ClientError):
        return _from_reply(_reply(error.response), _named(asked, error.operation_name), now)
    for type_, rule in BY_EXCEPTION:
        if isinstance(error, type_):
            return _said(rule, asked, type_.__name__, said=_short(str(error)))
    raise error


def inconsistent(operation: str, what: str, *, account: str | None = None) -> AwsError:
    """An answer that contradicts itself or another: ``what`` says how. It is transient: AWS settles within seconds."""
    sentence = f"AWS's answers to {operation} do not fit together: {what}; next: nothing, it is read again later."
    return AwsError(sentence, cause=AwsCause.TRANSIENT, operation=operation, code=INCONSISTENT, account=account)


def clock_ahead(operation: str, *, account: str | None, expired_at: datetime, now: datetime) -> AwsError:
    """New credentials that are already over by this machine's clock: it is ahead of AWS's."""
    ahead = f" by at least {(now - expired_at).total_seconds() / 60:.0f} minutes (it is ahead)"
    return _said(CLOCK, Asked(operation, account), "CredentialsAlreadyExpired", said="", apart=ahead)


def lacks_permission(error: AwsError) -> bool:
    """Whether the caller is known to AWS but may not do this, so that another call may still work."""
    return error.cause is AwsCause.DENIED and error.code in codes.PERMISSIONS and error.operation != "sts:AssumeRole"


def refused_credentials(error: AwsError) -> bool:
    """Whether AWS no longer accepts the credentials themselves, so that new ones are worth a try."""
    return error.cause is AwsCause.DENIED and error.code in codes.CREDENTIALS


def _from_reply(reply: _Reply, asked: Asked, now: datetime) -> AwsError:
    rule = _rule(reply, asked)
    return _said(rule, asked, reply.code, said=reply.said, status=reply.status, apart=_apart(reply.headers, now))


def _rule(reply: _Reply, asked: Asked) -> Rule:
    if reply.code in codes.SIGNATURE and _TIMES.search(reply.said):
        return CLOCK
    if reply.code in codes.PERMISSIONS:
        return _denial(reply.said, asked)
    if found := BY_CODE.get(reply.code):
        return found
    return OUTAGE if reply.status >= 500 else THROTTLED if reply.status == 429 else OTHER


def _denial(said: str, asked: Asked) -> Rule:
    if asked.operation == "sts:AssumeRole":
        return ASSUME_DENIED
    return ORGANIZATION_DENIED if _ORGANIZATION.search(said) else PERMISSION_DENIED


def _reply(response: Mapping[str, Any]) -> _Reply:
    error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    said = _short(str(error.get("Message") or "no message"))
    status = int(meta.get("HTTPStatusCode") or 0)
    return _Reply(str(error.get("Code") or "Unknown"), said, status, meta.get("HTTPHeaders") or {})


def _named(asked: Asked, operation: str) -> Asked:
    """Credentials are renewed inside other calls: what failed then is the renewal."""
    if operation == asked.operation.partition(":")[2]:
        return asked
    service = "sts" if operation in ("AssumeRole", "GetCallerIdentity") else asked.operation.partition(":")[0]
    return Asked(f"{service}:{operation}", asked.account, asked.role_arn)


def _said(rule: Rule, asked: Asked, code: str, *, said: str, status: int = 0, apart: str = "") -> AwsError:
    caller = _CALLER.search(said)
    sentence = rule.sentence.format(
        operation=asked.operation,
        where=f"account {asked.account}" if asked.account else "the account of the ambient credentials",
        role=asked.role_arn or "the role",
        caller=caller[1] if caller else "the credentials this process uses",
        code=code,
        said=said,
        status=status,
        apart=apart,
    )
    return AwsError(sentence, cause=rule.cause, operation=asked.operation, code=code, account=asked.account)


def _apart(headers: Mapping[str, str], now: datetime) -> str:
    """How far the clocks differ, by the reply's Date: `` by 7 minutes (it is ahead)``; empty if it does not say."""
    try:
        difference = now - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError):
        return ""
    seconds = abs(difference.total_seconds())
    if seconds < 1:
        return ""
    direction = "ahead" if difference > timedelta() else "behind"
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
    return f" by {length} (it is {direction})"


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
