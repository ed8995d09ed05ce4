"""Finding the Identity Center instance of a connector: what AWS lists in one region, and whether it can be read."""

from typing import Final

from grantwire.aws.errors import lacks_permission
from grantwire.aws.identity_center import instances
from grantwire.aws.identity_center.asking import Asking
from grantwire.aws.identity_center.parse import Parser
from grantwire.aws.identity_center.shapes import Instance
from grantwire.aws.places import Place, place_of
from grantwire.aws.session import AwsSession
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter

INSTANCES: Final = "sso:ListInstances"
SETS: Final = "sso:ListPermissionSets"


async def find_identity_center(session: AwsSession, region: str | None) -> IdentityCenter:
    """The instance that this session can read in ``region``, or in the session's own region (None).

    Two calls: ListInstances, which any account of an organization may make (where it shows none, a second one tells of
    other regions), and one row of ListPermissionSets, which tells an account's own instance, and who may not read, from
    the rest. The session needs
    ``IDENTITY_CENTER_FINDING``. Raises ``Invalid`` of the field ``identity_center`` or ``identity_center_region`` with
    the sentence to show, ``AwsError`` for what may pass.
    """
    identity = await session.identity()
    region = region or await session.region()
    if await session.partition_of(region) != identity.partition:
        raise instances.other_partition(region, identity.partition)
    listed = await _listed(session, Place(region, f"identity-center/{identity.account}"))
    elsewhere = [] if listed else await _elsewhere(session, Place(region, f"identity-center/{identity.account}"))
    found = instances.find_instance(listed, region, identity.account, elsewhere)
    await _readable(session, found, identity.account)
    return found


async def fetch_instances(session: AwsSession, place: Place, **scope: str) -> tuple[Instance, ...]:
    """Every instance that the session's account sees in the region of ``place``. Raises ``AwsError``."""
    asking = Asking(session, place)
    rows = await asking.sso_rows(INSTANCES, "Instances", lambda api, page: api.list_instances(**scope, **page))
    return tuple({each.arn: each for each in map(Parser(INSTANCES).instance, rows)}.values())


async def _listed(session: AwsSession, place: Place) -> tuple[Instance, ...]:
    try:
        return await fetch_instances(session, place)
    except AwsError as error:
        if lacks_permission(error):
            raise Invalid(str(error), instances.OPTION) from error
        raise


async def _elsewhere(session: AwsSession, place: Place) -> list[str]:
    """The regions of the instances that the account sees anywhere; none where AWS does not answer that question.

    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html
    """
    try:
        found = await fetch_instances(session, place, RegionScope="ALL_REGIONS")
    except AwsError as error:
        if error.code != instances.UNSUPPORTED and not lacks_permission(error):
            raise
        return []
    return sorted({each.primary_region for each in found if each.primary_region} - {place.region})


async def _readable(session: AwsSession, found: IdentityCenter, account: str) -> None:
    """Prove by one call that the instance has permission sets and that they may be read."""
    try:
        await Asking(session, place_of(found)).sso(
            SETS, lambda api: api.list_permission_sets(InstanceArn=found.instance_arn, MaxResults=1)
        )
    except AwsError as error:
        if error.code == instances.UNSUPPORTED:
            raise instances.account_instance(found) from error
        if lacks_permission(error):
            raise instances.unreadable(found, account, error) from error
        raise
