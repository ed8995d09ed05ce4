"""What an AWS call's failure means, and the sentence a person gets: the thing, the cause, the next step."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from grantwire.aws import codes, rules
from grantwire.aws.replies import GarbledReply
from grantwire.aws.rules import Rule
from grantwire.contracts.failures import AwsCause, AwsError

INCONSISTENT: Final = "InconsistentReply"
WRONG_ACCOUNT: Final = "WrongAccount"
_CALLER: Final = re.compile(r"User: (\S+) is not authorized")
_TIMES: Final = re.compile(r"[Ss]ignature (?:expired|not yet current)")
_ORGANIZATION: Final = re.compile(r"(service|resource) control policy")
_BARE: Final = re.compile(r"You don't have permissions to access this resource")  # no word of policies: it is who asks
_LONGEST: Final = 400  # characters of AWS's own words that a sentence repeats


@dataclass(frozen=True, slots=True)
class Asked:
    """Which call failed: ``operation`` is ``service:Operation``; the account asked and the role, where known.

    ``via``: who assumes the role, where it is not the ambient credentials. ``refusal``: the sentence for a role that
    AWS does not let it have, where it is not the usual one. ``writes``: it changes something in AWS.
    """

    operation: str
    account: str | None = None
    role_arn: str | None = None
    via: str | None = None
    refusal: Rule | None = None
    writes: bool = False


@dataclass(frozen=True, slots=True)
class _Reply:
    """AWS's own answer to a failed call."""

    code: str
    said: str
    status: int
    headers: Mapping[str, str]
    request_id: str | None


def failure(error: Exception, asked: Asked, *, now: datetime) -> AwsError:
    """The failure as ours. An ``AwsError`` stays itself; what is not a failure of a call is raised again."""
    if isinstance(error, AwsError):
        return error
    if isinstance(error, GarbledReply):
        asked = _named(asked, error.operation.partition(":")[2])
        return _said(rules.GARBLED, asked, "GarbledReply", said=error.why, ambiguous=asked.writes)
    if isinstance(error, ClientError):
        return _from_reply(_reply(error.response), _named(asked, error.operation_name), now)
    for type_, rule in rules.BY_EXCEPTION:
        if isinstance(error, type_):
            ambiguous = asked.writes and rules.may_have_left(error)
            return _said(rule, asked, type_.__name__, said=_short(str(error)), ambiguous=ambiguous)
    raise error


def inconsistent(operation: str, what: str, *, account: str | None = None) -> AwsError:
    """An answer that contradicts itself or another: ``what`` says how. It is transient: AWS settles within seconds."""
    sentence = f"AWS's answers to {operation} do not fit together: {what}; next: nothing, it is read again later."
    return AwsError(sentence, cause=AwsCause.TRANSIENT, operation=operation, code=INCONSISTENT, account=account)


def wrong_account(wanted: str, found: str, arn: str) -> AwsError:
    """A role that leads elsewhere than its ARN says: nothing read there may be taken for the account."""
    sentence = (
        f"AWS let {arn} in, which belongs to account {found}, where a role of account {wanted} was asked for; nothing "
        "was read; next: look for a proxy or an endpoint setting (AWS_ENDPOINT_URL) that mixes accounts up."
    )
    return AwsError(sentence, cause=AwsCause.FINAL, operation="sts:AssumeRole", code=WRONG_ACCOUNT, account=found)


def elsewhere(operation: str, wanted: str, found: str, arn: str) -> AwsError:
    """Credentials of another account than the one that is to be changed."""
    sentence = (
        f"{operation} was not sent: it is meant for account {wanted}, and the connector's credentials ({arn}) are of "
        f"account {found}; next: name a connector that reads account {wanted}, or switch its organizations on."
    )
    return AwsError(sentence, cause=AwsCause.FINAL, operation=operation, code=WRONG_ACCOUNT, account=found)


def behind(error: AwsError, account: str, whose: str = "the connector's own credentials") -> AwsError:
    """What stands in front of an account, which the error names, was not entered, so neither was the account."""
    sentence = f"Account {account} was not entered, because {whose} were not: {error}"
    return AwsError(
        sentence,
        cause=error.cause,
        operation=error.operation,
        code=error.code,
        account=error.account,
        role_arn=error.role_arn,
        request_id=error.request_id,
    )


def clock_ahead(operation: str, *, account: str | None, expired_at: datetime, now: datetime) -> AwsError:
    """New credentials that are already over by this machine's clock: it is ahead of AWS's."""
    ahead = f" by at least {(now - expired_at).total_seconds() / 60:.0f} minutes (it is ahead)"
    return _said(rules.CLOCK, Asked(operation, account), "CredentialsAlreadyExpired", said="", apart=ahead)


def lacks_permission(error: AwsError) -> bool:
    """Whether the caller is known to AWS but may not do this, so that another call may still work."""
    return error.cause is AwsCause.DENIED and error.code in codes.PERMISSIONS and error.operation != "sts:AssumeRole"


def refused_credentials(error: AwsError) -> bool:
    """Whether AWS no longer accepts the credentials themselves, so that new ones are worth a try."""
    return error.cause is AwsCause.DENIED and error.code in codes.CREDENTIALS


def _from_reply(reply: _Reply, asked: Asked, now: datetime) -> AwsError:
    rule = _rule(reply, asked)
    return _said(
        rule,
        asked,
        reply.code,
        said=reply.said,
        status=reply.status,
        apart=_apart(reply.headers, now),
        ambiguous=asked.writes and rules.may_have_acted(rule, reply.status),
        request_id=reply.request_id,
    )


def _rule(reply: _Reply, asked: Asked) -> Rule:
    if reply.code in codes.SIGNATURE and _TIMES.search(reply.said):
        return rules.CLOCK
    if reply.code in codes.PERMISSIONS:
        return _denial(reply.said, asked)
    if found := rules.BY_CODE.get(reply.code):
        return found
    return rules.OUTAGE if reply.status >= 500 else rules.THROTTLED if reply.status == 429 else rules.OTHER


def _denial(said: str, asked: Asked) -> Rule:
    if asked.operation == "sts:AssumeRole":
        return asked.refusal or (rules.CHILD_DENIED if asked.via else rules.ASSUME_DENIED)
    if asked.operation.startswith("organizations:") and _BARE.search(said):
        return rules.NOT_ADMINISTRATOR
    return rules.ORGANIZATION_DENIED if _ORGANIZATION.search(said) else rules.PERMISSION_DENIED


def _reply(response: Mapping[str, Any]) -> _Reply:
    error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    said = _short(str(error.get("Message") or "no message"))
    status = int(meta.get("HTTPStatusCode") or 0)
    code, headers = str(error.get("Code") or "Unknown"), meta.get("HTTPHeaders") or {}
    return _Reply(code, said, status, headers, meta.get("RequestId"))


def _named(asked: Asked, operation: str) -> Asked:
    """Credentials are renewed inside other calls: what failed then is the renewal, which changes nothing."""
    if operation == asked.operation.partition(":")[2]:
        return asked
    service = "sts" if operation in ("AssumeRole", "GetCallerIdentity") else asked.operation.partition(":")[0]
    return replace(asked, operation=f"{service}:{operation}", writes=False)


def _said(
    rule: Rule,
    asked: Asked,
    code: str,
    *,
    said: str,
    status: int = 0,
    apart: str = "",
    ambiguous: bool = False,
    request_id: str | None = None,
) -> AwsError:
    caller = _CALLER.search(said)
    sentence = rule.sentence.format(
        operation=asked.operation,
        where=f"account {asked.account}" if asked.account else "the account of the ambient credentials",
        role=asked.role_arn or "the role",
        via=asked.via or "the connector's credentials",
        caller=caller[1] if caller else "the credentials this process uses",
        code=code,
        said=said,
        status=status,
        apart=apart,
    )
    return AwsError(
        sentence,
        cause=rule.cause,
        operation=asked.operation,
        code=code,
        account=asked.account,
        role_arn=asked.role_arn,
        ambiguous=ambiguous,
        request_id=request_id,
    )


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
