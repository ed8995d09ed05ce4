"""What the scheduler asks of a collector."""

from typing import Literal

from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.messages import Message

Source = Literal["organization", "iam", "credentials", "identity_center", "scim"]


class CollectScope(Message):
    """Read one scope from AWS and publish its snapshot."""

    run: str
    connector: str
    settings_version: int
    source: Source
    scope: str
    account: str | None = None  # the account that the scope is about; of an organization scope, the connector's own
    organization: str | None = None  # the id (o-…) of the organization that the connector reads, if it reads one
    identity_center: IdentityCenter | None = None  # the instance that the connector reads, if it reads one
    known_digest: str | None = None  # hex; the rows in the graph equal exactly this content, if given
    full: bool = False  # send the body even when the digest is the known one
