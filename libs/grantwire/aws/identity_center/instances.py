"""Which Identity Center instance a connector reads, judged by what AWS lists. Pure.

Nothing is guessed: where AWS shows no instance, several, or one that holds no permission sets, a person decides.
"""

from collections.abc import Sequence
from typing import Final, NoReturn

from grantwire.aws.identity_center.shapes import Instance
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter

OPTION: Final = "identity_center"
REGION: Final = "identity_center_region"
UNSUPPORTED: Final = "ValidationException"  # what AWS answers about the permission sets of an account's own instance
_ACTIVE: Final = "ACTIVE"


def find_instance(
    instances: Sequence[Instance], region: str, account: str, elsewhere: Sequence[str] = ()
) -> IdentityCenter:
    """The one instance of ``region`` that ``account`` sees; ``elsewhere`` are the other regions in which it sees one,
    where AWS told. Raises ``Invalid``."""
    if not instances:
        raise Invalid(_nowhere(region, account, elsewhere), REGION)
    if len(instances) > 1:
        raise Invalid(_several(instances, region, account), OPTION)
    return _usable(instances[0], region)


def account_instance(found: IdentityCenter) -> Invalid:
    """An instance that one account made for itself."""
    return Invalid(
        f"The only Identity Center instance in the region {found.region} is {found.instance_arn}, which account "
        f"{found.owner_account or 'of the connector'} made for itself: an account instance has no permission sets and "
        "no assignments; next: set identity_center_region to the region of the organization's instance, or switch "
        "identity_center off.",
        OPTION,
    )


def unreadable(found: IdentityCenter, account: str, error: AwsError) -> Invalid:
    """AWS denied reading the instance to ``account``: of another account's instance, because it is no administrator or
    lacks the permission, which AWS does not tell apart."""
    if found.owner_account in (None, account):
        return Invalid(str(error), OPTION)
    return Invalid(
        f"Account {account} sees the organization's Identity Center {found.instance_arn} of account "
        f"{found.owner_account}, but may not read it: only that account and a delegated administrator of Identity "
        f"Center may; next: register account {account} with `aws organizations register-delegated-administrator "
        f"--account-id {account} --service-principal sso.amazonaws.com`, or give the connector a role of account "
        f"{found.owner_account}; if it is registered, add {error.operation} to the role's permissions policy.",
        OPTION,
    )


def other_partition(region: str, partition: str) -> Invalid:
    """A region that the connector's credentials cannot reach."""
    return Invalid(
        f"The region {region!r} does not belong to the AWS partition {partition!r} of the connector; next: set "
        f"identity_center_region to a region of {partition!r}.",
        REGION,
    )


def _nowhere(region: str, account: str, elsewhere: Sequence[str]) -> str:
    if elsewhere:
        return (
            f"Account {account} sees no Identity Center instance in the region {region}, but one in "
            f"{' and in '.join(elsewhere)}; next: set identity_center_region to {' or '.join(elsewhere)}."
        )
    return (
        f"Account {account} sees no Identity Center instance in the region {region}; an instance is listed only where "
        "it was enabled; next: set identity_center_region to the region that the Identity Center console shows under "
        "Settings, or enable Identity Center for the organization there."
    )


def _several(instances: Sequence[Instance], region: str, account: str) -> str:
    shown = ", ".join(f"{each.arn} of account {each.owner or 'unknown'}" for each in instances)
    return (
        f"Account {account} sees {len(instances)} Identity Center instances in the region {region}: {shown}; which one "
        "to read is not guessed; next: delete the account instances that nobody needs, or give the connector a role of "
        "an account that sees the organization's instance alone."
    )


def _usable(found: Instance, region: str) -> IdentityCenter:
    if found.status not in (None, _ACTIVE):
        raise Invalid(
            f"The Identity Center instance {found.arn} in the region {region} is not in use: its status is "
            f"{found.status}; next: save the connector again once it is ACTIVE.",
            OPTION,
        )
    if found.primary_region not in (None, region):
        _elsewhere(found, region)
    return IdentityCenter(
        instance_arn=found.arn, identity_store=found.identity_store, region=region, owner_account=found.owner
    )


def _elsewhere(found: Instance, region: str) -> NoReturn:
    raise Invalid(
        f"The Identity Center instance {found.arn} is at home in the region {found.primary_region}; {region} has a "
        f"copy of it; next: set identity_center_region to {found.primary_region}.",
        REGION,
    )
