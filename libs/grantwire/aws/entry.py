"""Entering an account: whose credentials are these, and the assumed role's renewal. Blocking: for ``Calls`` threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from boto3.session import Session
from botocore.credentials import RefreshableCredentials

from grantwire.aws.clients import ambient, holding, iam_client, region_of, sts_client
from grantwire.aws.errors import Asked, clock_ahead, failure
from grantwire.aws.permissions import session_policy
from grantwire.aws.replies import GarbledReply, unspoilt
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.telemetry.clock import utc_now

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_sts.client import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleResponseTypeDef

ASSUME: Final = "sts:AssumeRole"
CALLER: Final = "sts:GetCallerIdentity"
_HOUR: Final = 3_600  # seconds: the longest a chained role lasts, and the shortest maximum a role can have


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials are: the account, the ARN AWS shows, and the partition in it."""

    account: str
    arn: str
    partition: str


@dataclass(frozen=True, slots=True)
class Entered:
    """An account that was entered: who we are there, and its IAM."""

    identity: Identity
    iam: "IAMClient"


def enter(connector: Connector, actions: Sequence[str], settings: AwsSettings) -> Entered:
    """One call: AssumeRole where the connector names a role, else GetCallerIdentity. Raises botocore's errors."""
    session = ambient()
    region = region_of(session, connector.partition if connector.role_arn else None, settings)
    sts = sts_client(session, region, settings)
    if connector.role_arn is None:
        return Entered(whoami(sts), iam_client(session, region, settings))
    role = Role(sts, connector, actions)
    return Entered(role.identity, iam_client(role.session(), region, settings))


def whoami(sts: "STSClient") -> Identity:
    """The identity of the client's own credentials. Needs no permission."""
    return unspoilt(CALLER, lambda: identity_of(sts.get_caller_identity()["Arn"]))


def identity_of(arn: str) -> Identity:
    """Raises ValueError for what is not an ARN of an account's principal."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    if not account:
        raise ValueError("the ARN names no account")
    return Identity(account, arn, partition)


class Role:
    """An assumed role: assumed once on construction, and again by botocore shortly before it expires."""

    def __init__(self, sts: "STSClient", connector: Connector, actions: Sequence[str]) -> None:
        self._sts = sts
        self._connector = connector
        self._policy = session_policy(actions)
        self._first = self._assume()
        self.identity = unspoilt(ASSUME, lambda: identity_of(self._first["AssumedRoleUser"]["Arn"]))

    def session(self) -> Session:
        """A session of the role's credentials, renewed while it is used."""
        first = self._metadata(self._first)
        return holding(RefreshableCredentials.create_from_metadata(first, self._renew, "grantwire"))

    def _renew(self) -> dict[str, Any]:
        """Runs inside other calls, so it says itself that it was the renewal that failed."""
        try:
            return self._metadata(self._assume())
        except GarbledReply:
            raise
        except Exception as error:
            asked = Asked(ASSUME, self._connector.account, self._connector.role_arn)
            raise failure(error, asked, now=utc_now()) from error

    def _assume(self) -> "AssumeRoleResponseTypeDef":
        ask = partial(
            self._sts.assume_role,
            RoleArn=self._connector.role_arn or "",
            RoleSessionName=f"grantwire-{self._connector.id}"[:64],
            DurationSeconds=_HOUR,
            Policy=self._policy,
        )
        external_id = self._connector.external_id
        return unspoilt(ASSUME, partial(ask, ExternalId=external_id) if external_id else ask)

    def _metadata(self, answer: "AssumeRoleResponseTypeDef") -> dict[str, Any]:
        """In the form botocore's refreshing asks for. Secret."""
        given = unspoilt(ASSUME, lambda: answer["Credentials"])
        if given["Expiration"] <= utc_now():
            raise clock_ahead(ASSUME, account=self._connector.account, expired_at=given["Expiration"], now=utc_now())
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }
