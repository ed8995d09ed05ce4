"""Which Identity Center instance a connector reads: found when the connector is saved, named in every job."""

from pydantic import BaseModel, ConfigDict


class IdentityCenter(BaseModel):
    """An organization instance and where it is. ``owner_account`` is the account it was made in, None where AWS did
    not say. https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_InstanceMetadata.html"""

    model_config = ConfigDict(frozen=True)

    instance_arn: str
    identity_store: str
    region: str
    owner_account: str | None = None
