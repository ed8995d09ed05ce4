"""A connector: one AWS account or organization under management, the same in YAML, API and CLI."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from grantwire.contracts.ids import ACCOUNT_ID, CONNECTOR_ID, AccountId

PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
_ROLE_ARN: Final = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role/([\x21-\x7e]{1,512}/)?([\w+=,.@-]{1,64})"
)
_ANY_ROLE: Final = re.compile(r"arn:([^:]*):iam::[0-9]{12}:role/.+")
_ROLE_NAME: Final = re.compile(r"(?:[\x21-\x7e]{1,512}/)?[\w+=,.@-]{1,64}", re.ASCII)
_UNIT: Final = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class ConnectorState(StrEnum):
    DRAFT = "draft"
    SYNCING = "syncing"
    CONNECTED = "connected"
    DEGRADED = "degraded"
    FAILED = "failed"
    PAUSED = "paused"


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+)\s*([smhd])", value.strip())):
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    return value


def _named_role(value: str) -> str:
    if not _ROLE_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of an IAM role, with its path if it has one; give no ARN")
    return value


def _proper_role(value: str) -> str:
    if _ROLE_ARN.fullmatch(value):
        return value
    found = _ANY_ROLE.fullmatch(value)
    if found and found[1] not in PARTITIONS:
        known = ", ".join(PARTITIONS)
        raise ValueError(f"{value!r} is of the unknown AWS partition {found[1]!r}; the partitions are {known}")
    raise ValueError(f"{value!r} is not the ARN of an IAM role; one looks like arn:aws:iam::123456789012:role/Name")


def _proper_external_id(value: str | None) -> str | None:
    if value is not None and not _EXTERNAL_ID.fullmatch(value):
        raise ValueError("an external id has 2 to 1,224 letters, digits or any of + = , . @ : / _ -")
    return value


def _sensible(value: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= value <= timedelta(days=7):
        raise ValueError("an interval is from 1 second to 7 days; one looks like 15m, 1h or 1d")
    return value


Interval = Annotated[timedelta, BeforeValidator(_seconds), AfterValidator(_sensible)]

# What is stored encrypted and never shown, as paths into the settings; * is every key of a mapping.
SECRET_FIELDS: Final = (
    "external_id",
    "operator_external_id",
    "child_external_id",
    "account_overrides.*.external_id",
    "scim_token",
)

NOT_YET_ACTING: Final = ("last_login",)


class AccountOverride(BaseModel):
    """How one account is entered differently from the others. What is not given is the connector's."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role_name: str | None = None
    external_id: str | None = Field(default=None, repr=False)

    @field_validator("role_name")
    @classmethod
    def _role_name(cls, value: str | None) -> str | None:
        return value if value is None else _named_role(value)

    @field_validator("external_id")
    @classmethod
    def _external(cls, value: str | None) -> str | None:
        return _proper_external_id(value)


class ChildRole(BaseModel):
    """The role to assume in one account of an organization, from the connector role's credentials."""

    model_config = ConfigDict(frozen=True)

    arn: str
    external_id: str | None = Field(default=None, repr=False)


class Connector(BaseModel):
    """The settings of a connector. Without ``role_arn`` the ambient credentials' own account is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str
    name: str = ""
    role_arn: str | None = None
    external_id: str | None = Field(default=None, repr=False)
    interval: Interval = timedelta(minutes=15)
    operator_role_arn: str | None = None
    operator_external_id: str | None = Field(default=None, repr=False)
    organizations: bool = False
    child_role_name: str = "OrganizationAccountAccessRole"
    child_external_id: str | None = Field(default=None, repr=False)
    account_overrides: dict[str, AccountOverride] = Field(default_factory=dict)
    include_accounts: list[str] = Field(default_factory=list)
    exclude_accounts: list[str] = Field(default_factory=list)
    include_ous: list[str] = Field(default_factory=list)
    exclude_ous: list[str] = Field(default_factory=list)
    identity_center: bool = False
    identity_center_region: str | None = None
    child_iam: bool = True
    scim: bool = False
    scim_endpoint: str | None = None
    scim_token: str | None = Field(default=None, repr=False)
    sync_secrets: bool = False
    last_login: bool = False
    provisioning: bool = False

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not CONNECTOR_ID.fullmatch(value):
            raise ValueError("use 1 to 63 lower-case letters, digits and hyphens, for example 'prod'")
        return value

    @field_validator("role_arn", "operator_role_arn")
    @classmethod
    def _role(cls, value: str | None) -> str | None:
        return value if value is None else _proper_role(value)

    @field_validator("external_id", "operator_external_id", "child_external_id")
    @classmethod
    def _external(cls, value: str | None) -> str | None:
        return _proper_external_id(value)

    @field_validator("child_role_name")
    @classmethod
    def _child_role(cls, value: str) -> str:
        return _named_role(value)

    @field_validator("include_ous", "exclude_ous")
    @classmethod
    def _units(cls, value: list[str]) -> list[str]:
        for unit in value:
            if not _UNIT.fullmatch(unit):
                raise ValueError(f"{unit!r} is not the id of a root (r-…) or an organizational unit (ou-…)")
        return value

    @field_validator("account_overrides")
    @classmethod
    def _overridden(cls, value: dict[str, AccountOverride]) -> dict[str, AccountOverride]:
        cls._accounts(list(value))
        return value

    @field_validator("include_accounts", "exclude_accounts")
    @classmethod
    def _accounts(cls, value: list[str]) -> list[str]:
        for account in value:
            if not ACCOUNT_ID.fullmatch(account):
                raise ValueError(f"{account!r} is not an account id of 12 digits (quote it in YAML)")
        return value

    @property
    def account(self) -> AccountId | None:
        """The account of the connector role, or None while ambient credentials decide."""
        return AccountId(self.role_arn.split(":")[4]) if self.role_arn else None

    @property
    def partition(self) -> Literal["aws", "aws-cn", "aws-us-gov"]:
        found = self.role_arn.split(":")[1] if self.role_arn else "aws"
        return "aws-cn" if found == "aws-cn" else "aws-us-gov" if found == "aws-us-gov" else "aws"

    def child_role(self, account: str) -> ChildRole:
        """How the given member account is entered. The connector's own account is entered by its own role instead."""
        override = self.account_overrides.get(account, AccountOverride())
        name = override.role_name or self.child_role_name
        return ChildRole(
            arn=f"arn:{self.partition}:iam::{account}:role/{name}",
            external_id=override.external_id or self.child_external_id,
        )

    def not_yet_acting(self) -> list[str]:
        """Fields that are set and accepted but that nothing acts on yet."""
        fields = type(self).model_fields
        return [
            name
            for name in NOT_YET_ACTING
            if getattr(self, name) != fields[name].get_default(call_default_factory=True)
        ]
