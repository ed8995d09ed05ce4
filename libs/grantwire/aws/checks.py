"""Trying a connector out, point by point: each is ok, failed with a sentence and the next step, or skipped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from grantwire.aws import probes
from grantwire.aws.calls import Calls
from grantwire.aws.identity_center.discovery import find_identity_center
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.aws.permissions import CREDENTIALS, IAM_ALL, IDENTITY_CENTER, ORGANIZATION
from grantwire.aws.probes import Probe
from grantwire.aws.session import AwsSession
from grantwire.aws.sessions import Sessions
from grantwire.aws.settings import AwsSettings
from grantwire.aws.validate import read_organization
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError, Invalid

SAMPLE: Final = 3  # member accounts that are tried: who cannot be entered shows after the first sync at the latest
_LANES: Final = 4


@dataclass(frozen=True, slots=True)
class Check:
    """One point. ``field`` names the setting to change, ``required`` whether nothing works without it: what is not
    required and failed only leaves a gap."""

    name: str
    state: Literal["ok", "failed", "skipped"]
    text: str
    next_step: str = ""
    field: str | None = None
    required: bool = True


async def run_checks(connector: Connector, settings: AwsSettings | None = None) -> list[Check]:
    """Every point of AWS, in the order in which they build upon each other. Only reads; raises for nothing that AWS
    answers."""
    calls = Calls(_LANES)
    try:
        return await _Checking(connector, settings or AwsSettings(), calls).all()
    finally:
        calls.close()


def failed(name: str, error: AwsError | Invalid, *, required: bool = True) -> Check:
    """The point that an error is about, its sentence in two halves."""
    cause, _, step = str(error).partition("; next: ")
    field = error.field if isinstance(error, Invalid) else None
    return Check(name, "failed", cause if cause.endswith(".") else f"{cause}.", step, field, required)


class _Checking:
    def __init__(self, connector: Connector, settings: AwsSettings, calls: Calls) -> None:
        self._connector = connector
        self._settings = settings
        self._calls = calls
        self._iam = self._sessions(IAM_ALL)

    async def all(self) -> list[Check]:
        entered = await self._entered()
        rest = [
            self._permissions(),
            self._organization(),
            self._identity_center(),
            self._children(),
            self._provisioning(),
        ]
        if entered.state != "ok":
            for each in rest:
                each.close()
            return [entered, *self._unreached()]
        found = await asyncio.gather(*rest)
        return [entered, *(check for checks in found for check in checks)]

    def _sessions(self, actions: Sequence[str]) -> Sessions:
        """Narrowed as the collectors narrow theirs: one session policy does not hold every feature's actions."""
        return Sessions(self._settings, self._calls, actions=actions)

    def _session(self, actions: Sequence[str]) -> AwsSession:
        return self._sessions(actions).get(self._connector, 0)

    def _unreached(self) -> list[Check]:
        names = [
            "permissions",
            *(name for name in ("organizations", "identity_center") if getattr(self._connector, name)),
        ]
        return [Check(name, "skipped", "The account was not entered.") for name in names]

    async def _entered(self) -> Check:
        async def enter() -> str:
            found = await self._iam.get(self._connector, 0).identity()
            return f"AWS lets it into account {found.account}, as {found.arn}."

        return await _attempt("account", enter)

    async def _permissions(self) -> list[Check]:
        found = await self._probed(self._iam.get(self._connector, 0), probes.iam(self._connector))
        if self._connector.sync_secrets:
            found += await self._probed(self._session(CREDENTIALS), probes.CREDENTIALS)
        return found

    async def _organization(self) -> list[Check]:
        if not self._connector.organizations:
            return []
        session = self._session(ORGANIZATION)

        async def visible() -> str:
            return f"Organization {await read_organization(session)} can be read from there."

        found = await _attempt("organizations", visible)
        return [found, *(await self._probed(session, probes.ORGANIZATION) if found.state == "ok" else [])]

    async def _identity_center(self) -> list[Check]:
        if not self._connector.identity_center:
            return []
        session, region = self._session(IDENTITY_CENTER), self._connector.identity_center_region
        try:
            center = await find_identity_center(session, region)
        except (AwsError, Invalid) as error:
            return [failed("identity_center", error)]
        owner = f" of account {center.owner_account}" if center.owner_account else ""
        found = f"Identity Center {center.instance_arn}{owner} is in {center.region}; its directory is "
        account = (await session.identity()).account
        return [
            Check("identity_center", "ok", f"{found}{center.identity_store}."),
            *await self._probed(session, probes.identity_center(center, account)),
        ]

    async def _children(self) -> list[Check]:
        if not (self._connector.organizations and self._connector.child_iam):
            return []
        try:
            accounts = await self._sample()
        except AwsError as error:
            return [Check("child roles", "skipped", f"The accounts of the organization could not be listed: {error}")]
        if not accounts:
            return [Check("child roles", "skipped", "There is no other active account to try.")]
        return list(await asyncio.gather(*map(self._child, accounts)))

    async def _provisioning(self) -> list[Check]:
        if not self._connector.provisioning:
            return []
        said = "What its role may change is not tried out: that would change it; compare the role with show --policies."
        return [Check("provisioning", "skipped", said, required=False)]

    async def _child(self, account: str) -> Check:
        async def enter() -> str:
            found = await self._iam.get(self._connector, 0, account).identity()
            return f"Account {account} lets it in, as {found.arn}."

        return await _attempt(f"account {account}", enter, required=False)

    async def _sample(self) -> list[str]:
        """A few active accounts that the filters by account do not leave out; units are not looked up for this."""
        own = (await self._iam.get(self._connector, 0).identity()).account
        listed = await OrganizationReader(self._session(ORGANIZATION)).some_accounts()
        wanted, out = self._connector.include_accounts, {own, *self._connector.exclude_accounts}
        active = [each.id for each in listed if each.state in ("ACTIVE", None) and each.id not in out]
        return ([each for each in wanted if each not in out] or active)[:SAMPLE]

    async def _probed(self, session: AwsSession, wanted: Sequence[Probe]) -> list[Check]:
        return list(await asyncio.gather(*(_probe(session, each) for each in wanted)))


async def _probe(session: AwsSession, wanted: Probe) -> Check:
    try:
        await wanted.ask(session)
    except AwsError as error:
        if error.code not in wanted.well:
            return failed(wanted.action, error, required=wanted.required)
    return Check(wanted.action, "ok", wanted.why, required=wanted.required)


async def _attempt(name: str, work: Callable[[], Awaitable[str]], *, required: bool = True) -> Check:
    try:
        return Check(name, "ok", await work(), required=required)
    except (AwsError, Invalid) as error:
        return failed(name, error, required=required)
