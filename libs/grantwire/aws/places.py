"""Where a call goes that is not answered in the session's own region, and whose budget it draws on. Pure."""

from dataclasses import dataclass

from grantwire.contracts.identity_center import IdentityCenter


@dataclass(frozen=True, slots=True)
class Place:
    """A region, and the key of the budget of the calls that are made there."""

    region: str
    budget: str


def place_of(center: IdentityCenter) -> Place:
    """Where an instance is read, on one budget for its owner: AWS limits all calls of Identity Center together.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
    """
    owner = center.owner_account or center.instance_arn.rpartition("/")[2]
    return Place(center.region, f"identity-center/{owner}")
