"""What to do about an AWS call that failed while a scope was read. Pure."""

from grantwire.aws import codes, errors
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.snapshots import Reason

_PASSING = (AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.GONE)  # gone: the lists and the details disagree for now


def may_pass(error: AwsError) -> bool:
    """Whether the same reading may succeed a little later, without anybody doing anything."""
    return error.cause in _PASSING


def reason(error: AwsError) -> Reason:
    """Why the scope is not complete: a stable code and the sentence."""
    return Reason(code=_code(error), text=str(error))


def _code(error: AwsError) -> str:
    if error.code == errors.WRONG_ACCOUNT:
        return "wrong_account"
    if error.code == errors.INCONSISTENT:
        return "inconsistent"
    if error.code in codes.THROTTLES:
        return "throttled"
    return error.cause.value


def wrong_account(wanted: str, found: str, arn: str) -> AwsError:
    """The credentials lead elsewhere: nothing read there may be taken for this scope."""
    return AwsError(
        f"The credentials belong to account {found} ({arn}), but the connector reads account {wanted}; next: give the "
        "connector a role of that account, or add a connector for the other account.",
        cause=AwsCause.FINAL,
        operation="sts:AssumeRole" if ":assumed-role/" in arn else "sts:GetCallerIdentity",
        code=errors.WRONG_ACCOUNT,
        account=found,
    )
