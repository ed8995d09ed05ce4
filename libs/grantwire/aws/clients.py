"""botocore sessions and clients as we want them: endpoints by partition, timeouts, few retries, every reply guarded."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from boto3.session import Session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import CredentialProvider, Credentials
from botocore.exceptions import UnknownRegionError
from botocore.handlers import json_decode_policies
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession

from grantwire.aws import budgets, calls, last_look, replies
from grantwire.aws.acting import Acting
from grantwire.aws.agent import user_agent
from grantwire.aws.identity_center.client import IdentityStoreClient, SsoAdminClient
from grantwire.aws.organizations.client import OrganizationsClient
from grantwire.aws.settings import AwsSettings
from grantwire.aws.times import read_time
from grantwire.contracts.failures import AwsCause, AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_sts.client import STSClient

C = TypeVar("C", bound=BaseClient)
Partition = Literal["aws", "aws-cn", "aws-us-gov"]
Service = Literal["sts", "iam", "organizations", "sso_admin", "identity_store"]
HOME_REGIONS: Final[dict[str, str]] = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class _Given(CredentialProvider):
    """Supplies the credentials it was given, whatever else the environment holds."""

    METHOD = "grantwire"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def ambient() -> Session:
    """A session of the credentials that AWS's own variables, files and metadata services give."""
    return _session(BotocoreSession())


def holding(credentials: Credentials) -> Session:
    """A session of these credentials alone."""
    session = BotocoreSession()
    session.get_component("credential_provider").insert_before("env", _Given(credentials))
    return _session(session)


def _session(core: BotocoreSession) -> Session:
    session = Session(botocore_session=core)
    core.register_component("data_loader", _models(core.get_config_variable("data_path")))
    core.set_default_client_config(Config(user_agent=user_agent(core)))
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read_time)
    return session


@cache
def _models(places: str | None) -> Loader:
    """The models of AWS's services, read once per process: reading IAM's takes longer than asking it, and megabytes."""
    return create_loader(places)


def region_of(session: Session, partition: Partition | None, settings: AwsSettings) -> str:
    """The region whose STS and IAM endpoints to use: the configured one, else the partition's home.

    Raises ``AwsError`` (final) if the configured region belongs to another partition.
    """
    configured: str | None = settings.region or session.region_name
    if configured is None:
        return HOME_REGIONS[partition or "aws"]
    if partition is not None and partition_of(session, configured) != partition:
        raise AwsError(
            f"The region {configured} belongs to the AWS partition {partition_of(session, configured)!r}, but the "
            f"connector's role to {partition!r}; next: unset AWS_REGION, or set it to a region of {partition!r} "
            f"such as {HOME_REGIONS[partition]}.",
            cause=AwsCause.FINAL,
            operation="sts:AssumeRole",
            code="WrongPartition",
        )
    return configured


def partition_of(session: Session, region: str) -> str:
    """The partition a region belongs to, or ``unknown``."""
    try:
        return session.get_partition_for_region(region)
    except UnknownRegionError:
        return "unknown"


def iam_client(session: Session, region: str, settings: AwsSettings) -> "IAMClient":
    """Its policy documents come as AWS sends them: one place decodes them, and it keeps what is not JSON."""
    client = _watched(lambda: session.client("iam", region_name=region, config=_config(settings)))
    client.meta.events.unregister("after-call.iam", json_decode_policies)
    return client


def sts_client(session: Session, region: str, settings: AwsSettings) -> "STSClient":
    return _watched(lambda: session.client("sts", region_name=region, config=_config(settings)))


def organizations_client(session: Session, region: str, settings: AwsSettings) -> OrganizationsClient:
    """Of the partition's one endpoint, whichever of its regions is given."""
    client: Any = _watched(lambda: session.client("organizations", region_name=region, config=_config(settings)))
    found: OrganizationsClient = client
    return found


def sso_admin_client(session: Session, region: str, settings: AwsSettings) -> SsoAdminClient:
    client: Any = _watched(lambda: session.client("sso-admin", region_name=region, config=_config(settings)))
    found: SsoAdminClient = client
    return found


def identity_store_client(session: Session, region: str, settings: AwsSettings) -> IdentityStoreClient:
    client: Any = _watched(lambda: session.client("identitystore", region_name=region, config=_config(settings)))
    found: IdentityStoreClient = client
    return found


class Clients:
    """One client for each service and region, made on its first use. Who acts is said by each call (``acting``)."""

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._made: dict[tuple[str, str], Any] = {}
        self._once: Clients | None = None

    @property
    def once(self) -> "Clients":
        """The same services for writes: each request is sent once whatever becomes of it, because it may have been
        carried out where no answer came."""
        with self._lock:
            self._once = self._once or Clients(replace(self._settings, attempts=1))
            return self._once

    def sts(self, region: str) -> "STSClient":
        client: STSClient = self._client("sts", region, sts_client)
        return client

    def iam(self, region: str) -> "IAMClient":
        client: IAMClient = self._client("iam", region, iam_client)
        return client

    def organizations(self, region: str) -> OrganizationsClient:
        client: OrganizationsClient = self._client("organizations", region, organizations_client)
        return client

    def sso_admin(self, region: str) -> SsoAdminClient:
        client: SsoAdminClient = self._client("sso-admin", region, sso_admin_client)
        return client

    def identity_store(self, region: str) -> IdentityStoreClient:
        client: IdentityStoreClient = self._client("identitystore", region, identity_store_client)
        return client

    def partition_of(self, region: str) -> str:
        """The partition that a region belongs to, or ``unknown``."""
        with self._lock:
            self._session = self._session or holding(Acting())
            return partition_of(self._session, region)

    def warm(self, service: Service, region: str) -> None:
        """Make a client before its first use. Raises ``BotoCoreError`` for an environment that botocore refuses."""
        getattr(self, service)(region)

    def _client(self, service: str, region: str, make: Callable[[Session, str, AwsSettings], Any]) -> Any:
        """Made under the lock: neither sessions nor the making of clients are thread-safe; the clients are."""
        with self._lock:
            if (service, region) not in self._made:
                self._session = self._session or holding(Acting())
                client = make(self._session, region, self._settings)
                if service != "sts":
                    last_look.look(client)
                self._made[service, region] = client
            return self._made[service, region]


def _watched(make: Callable[[], C]) -> C:
    client = make()
    calls.count(client)
    budgets.meter(client)
    replies.guard(client)
    return client


def _config(settings: AwsSettings) -> Config:
    return Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
        max_pool_connections=max(settings.concurrency, 1),
        user_agent_extra="grantwire",
    )
