"""What to do about an AWS call that failed while a scope was read. Pure."""

from typing import Final

from grantwire.aws import codes, errors
from grantwire.contracts.failures import AwsCause, AwsError, ScimError
from grantwire.contracts.snapshots import Reason

WRONG_ORGANIZATION: Final = "WrongOrganization"
WRONG_INSTANCE: Final = "WrongInstance"
INVALID_SETTING: Final = "InvalidSetting"  # of the connector: nothing was asked
PATIENCE: Final = 120.0  # seconds; who asks to wait longer is asked again by the next run
_CODES: Final = {
    errors.WRONG_ACCOUNT: "wrong_account",
    errors.INCONSISTENT: "inconsistent",
    WRONG_ORGANIZATION: "wrong_organization",
    WRONG_INSTANCE: "wrong_instance",
    INVALID_SETTING: "invalid_setting",
    **dict.fromkeys(codes.NO_ORGANIZATION, "no_organization"),
    **dict.fromkeys(codes.THROTTLES, "throttled"),
}
_PASSING = (AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.GONE)  # gone: the lists and the details disagree for now


def may_pass(error: AwsError) -> bool:
    """Whether the same reading may succeed a little later, without anybody doing anything."""
    return error.cause in _PASSING and (asked_to_wait(error) or 0.0) <= PATIENCE


def asked_to_wait(error: AwsError) -> float | None:
    """Seconds that the other side asks to wait before the next call."""
    return error.delay if isinstance(error, ScimError) else None


def reason(error: AwsError) -> Reason:
    """Why the scope is not complete: a stable code and the sentence."""
    return Reason(code=_CODES.get(error.code, error.cause.value), text=str(error))


def wrong_account(wanted: str, found: str, arn: str) -> AwsError:
    """The credentials lead elsewhere: nothing read there may be taken for this scope."""
    return AwsError(
        f"The credentials belong to account {found} ({arn}), but account {wanted} was to be read; next: give the "
        "connector a role of that account, or add a connector for the other account.",
        cause=AwsCause.FINAL,
        operation="sts:AssumeRole" if ":assumed-role/" in arn else "sts:GetCallerIdentity",
        code=errors.WRONG_ACCOUNT,
        account=found,
    )


def wrong_organization(wanted: str, found: str, account: str) -> AwsError:
    """Nothing of another organization may be taken for this one."""
    return AwsError(
        f"Account {account} belongs to the organization {found}, but {wanted} was to be read; next: give the connector "
        f"a role of an account that manages {wanted}, or add a connector for {found}.",
        cause=AwsCause.FINAL,
        operation="organizations:DescribeOrganization",
        code=WRONG_ORGANIZATION,
        account=account,
    )


def wrong_instance(wanted: str, region: str, account: str) -> AwsError:
    """The instance that was found when the connector was saved is not there any more."""
    return AwsError(
        f"Account {account} no longer sees the Identity Center instance {wanted} in the region {region}; nothing was "
        "read; next: save the connector again, which finds the instance that there is now.",
        cause=AwsCause.FINAL,
        operation="sso:ListInstances",
        code=WRONG_INSTANCE,
        account=account,
    )
