"""One simulated organization with everything that a connector can read: IAM, credentials, Identity Center, SCIM."""

from typing import Any, Final

from grantwire.contracts.identity_center import IdentityCenter
from tests.support.world import Sandbox

OPTIONS: Final = ("--identity-center", "--credentials", "--scim")
SOURCES: Final = ("organization", "iam", "credentials", "identity_center", "scim")
UNKNOWABLE: Final = ("scim_user.read_at",)  # the sandbox cannot know when it was asked


def settings(aws: Sandbox, reader: str = "organization", plan: str = "bulk", **but: Any) -> dict[str, Any]:
    """A connector that reads all of it, some settings different."""
    role = aws.connector(reader if plan == "bulk" else f"{reader}_minimum")
    scim = aws.facts.get("scim")
    endpoint = {"scim": True, "scim_endpoint": scim["endpoint"], "scim_token": scim["token"]} if scim else {}
    region = aws.facts["identity_center"]["region"]
    center = {"identity_center": True, "identity_center_region": region, "sync_secrets": plan == "bulk"}
    return {**role, **center, **endpoint, **but}


def instance(aws: Sandbox) -> IdentityCenter:
    """The organization's instance, as saving the connector finds it."""
    center = aws.facts["identity_center"]
    found = next(each for each in center["instances"] if each["organized"])
    return IdentityCenter(
        instance_arn=found["instance_arn"],
        identity_store=found["identity_store_id"],
        region=center["region"],
        owner_account=found["owner"],
    )


def truth(
    aws: Sandbox, plan: str = "bulk", reader: str = "organization", sources: tuple[str, ...] = SOURCES
) -> list[str]:
    """What a perfect reader of these sources exports."""
    read = [source for source in sources if plan == "bulk" or source != "credentials"]
    return aws.text(f"truth?plan={plan}&reader={reader}&sources={','.join(read)}").splitlines()
