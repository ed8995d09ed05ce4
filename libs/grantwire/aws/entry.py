"""Entering an account: whose credentials are these, and an assumed role's renewal. Blocking: for ``Calls`` threads."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import stamina
from botocore.credentials import Credentials, RefreshableCredentials

from grantwire.aws.acting import acting
from grantwire.aws.errors import Asked, behind, clock_ahead, failure, refused_credentials, wrong_account
from grantwire.aws.replies import GarbledReply, unspoilt
from grantwire.aws.rules import Rule
from grantwire.contracts.failures import AwsError
from grantwire.telemetry.clock import utc_now

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleResponseTypeDef

ASSUME: Final = "sts:AssumeRole"
CALLER: Final = "sts:GetCallerIdentity"
_HOUR: Final = 3_600  # seconds: the longest a chained role lasts, and the shortest maximum a role can have
_AGAIN: Final = stamina.RetryingCaller(attempts=3, wait_max=2.0, wait_jitter=0.2).on(GarbledReply)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials are: the account, the ARN AWS shows, and the partition in it."""

    account: str
    arn: str
    partition: str


@dataclass(frozen=True, slots=True)
class Entered:
    """An account that was entered: who we are there, by which credentials, and the region whose endpoints serve us."""

    identity: Identity
    credentials: Credentials | None
    region: str


@dataclass(frozen=True, slots=True)
class RoleWanted:
    """A role to assume. ``via``: the role that assumes it, where it is not the ambient credentials, and ``whose`` that
    is in a sentence; ``refusal``: the sentence for a refusal, where it is not the usual one."""

    arn: str
    external_id: str | None
    session_name: str
    policy: str
    via: str | None = None
    whose: str = "the connector's own credentials"
    refusal: Rule | None = None

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def asked(self) -> Asked:
        return Asked(ASSUME, self.account, self.arn, self.via, self.refusal)


def whoami(sts: "STSClient", credentials: Credentials | None) -> Identity:
    """Whose credentials they are. Needs no permission. Raises ``AwsError``."""
    try:
        with acting(credentials):
            return _AGAIN(unspoilt, CALLER, lambda: identity_of(sts.get_caller_identity()["Arn"]))
    except Exception as error:
        raise failure(error, Asked(CALLER), now=utc_now()) from error


def identity_of(arn: str) -> Identity:
    """Raises ValueError for what is not an ARN of an account's principal."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    if not account:
        raise ValueError("the ARN names no account")
    return Identity(account, arn, partition)


@dataclass(frozen=True, slots=True)
class _Given:
    """What AssumeRole gave. ``credentials`` are in the form botocore's refreshing asks for. Secret."""

    identity: Identity
    credentials: dict[str, str] = field(repr=False)
    expires: datetime


class Role:
    """An assumed role: assumed once on construction, and again by botocore shortly before it expires.

    ``assumer``: whose credentials assume it, renewed first where they are a role's too. Raises ``AwsError``.
    """

    def __init__(self, sts: "STSClient", assumer: Credentials | None, wanted: RoleWanted) -> None:
        self._sts = sts
        self._assumer = assumer
        self._wanted = wanted
        first = self._assume()
        self._first = first.credentials
        self.identity = first.identity

    def credentials(self) -> Credentials:
        """The role's, renewed while they are used."""
        return RefreshableCredentials.create_from_metadata(self._first, self._renew, "grantwire")

    def _renew(self) -> dict[str, str]:
        return self._assume().credentials

    def _assume(self) -> _Given:
        """Runs inside other calls when it renews, so it says itself that it was AssumeRole that failed."""
        try:
            with acting(self._assumer):
                given = _AGAIN(unspoilt, ASSUME, lambda: _given(self._ask()))
        except AwsError as error:
            raise self._behind(error) from error  # of the assumer's own renewal
        except Exception as error:
            raise self._failure(error) from error
        self._verify(given)
        return given

    def _ask(self) -> "AssumeRoleResponseTypeDef":
        wanted = self._wanted
        ask = partial(
            self._sts.assume_role,
            RoleArn=wanted.arn,
            RoleSessionName=wanted.session_name,
            DurationSeconds=_HOUR,
            Policy=wanted.policy,
        )
        return ask(ExternalId=wanted.external_id) if wanted.external_id else ask()

    def _failure(self, error: Exception) -> AwsError:
        """Credentials that AWS does not take are the assumer's."""
        found, via = failure(error, self._wanted.asked, now=utc_now()), self._wanted.via
        if via is None or not refused_credentials(found):
            return found
        return self._behind(failure(error, Asked(ASSUME, via.split(":")[4], via), now=utc_now()))

    def _behind(self, error: AwsError) -> AwsError:
        return behind(error, self._wanted.account, self._wanted.whose)

    def _verify(self, given: _Given) -> None:
        """Nothing may be read in one account for another, nor with a clock that takes new credentials for old ones."""
        wanted, found = self._wanted, given.identity
        if found.account != wanted.account:
            raise wrong_account(wanted.account, found.account, found.arn)
        if given.expires <= (now := utc_now()):
            raise clock_ahead(ASSUME, account=wanted.account, expired_at=given.expires, now=now)


def _given(answer: "AssumeRoleResponseTypeDef") -> _Given:
    credentials = answer["Credentials"]
    expires = credentials["Expiration"]
    metadata = {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": expires.isoformat(),
    }
    return _Given(identity_of(answer["AssumedRoleUser"]["Arn"]), metadata, expires)
