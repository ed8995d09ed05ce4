"""Reading a whole organization: what it is, then its tree, its accounts and who administers what for it."""

from typing import Final, Protocol

import structlog

from grantwire.aws import errors
from grantwire.aws.organizations.shapes import Account, Organization
from grantwire.collectors.kit.reading import Reading, unread
from grantwire.collectors.kit.reasons import wrong_organization
from grantwire.collectors.kit.settling import if_allowed, settled, side_by_side, together
from grantwire.collectors.organization import doubts
from grantwire.collectors.organization.answers import Answers
from grantwire.collectors.organization.facts import COVERS, facts_from_organization, stateless
from grantwire.collectors.organization.tree import Places, fetch_tree
from grantwire.contracts.failures import AwsCause, AwsError

log = structlog.get_logger(__name__)

PLAN: Final = "tree"
ACCOUNTS: Final = "organizations:ListAccounts"
SERVICES: Final = ("account.delegated_services",)
_TOGETHER: Final = 2  # administrators asked at once: there are few


class Reader(Places, Protocol):
    """The reads of one organization. Each is complete or raises ``AwsError``."""

    async def organization(self) -> Organization: ...
    async def accounts(self) -> tuple[Account, ...]: ...
    async def delegated_administrators(self) -> tuple[str, ...]: ...
    async def delegated_services(self, account: str) -> tuple[str, ...]: ...


async def fetch_organization(reader: Reader, wanted: str, own_account: str) -> Reading:
    """All of the organization ``wanted``, read by ``own_account``, which must be allowed to. Raises ``AwsError``."""
    denied: dict[str, str] = {}

    async def read() -> Answers:
        denied.clear()
        return await _answers(reader, wanted, own_account, denied)

    answers = await settled(read, lambda found: doubts.of_organization(found, own_account), ACCOUNTS, own_account)
    if left := doubts.of_organization(answers, own_account):  # an account moved again: its place is not known
        raise errors.inconsistent(ACCOUNTS, min(left), account=own_account)
    if untold := stateless(answers.accounts):
        log.warning("accounts without a state", organization=wanted, accounts=len(untold), first=untold[0])
    notes = [note for name, why in denied.items() for note in unread((name,), why)]
    return Reading(own_account, PLAN, lambda: facts_from_organization(answers), notes, list(COVERS))


async def _answers(reader: Reader, wanted: str, own_account: str, denied: dict[str, str]) -> Answers:
    organization = await reader.organization()
    if organization.id != wanted:  # the account is in another one by now
        raise wrong_organization(wanted, organization.id, own_account)
    tree, accounts, services = await side_by_side(
        fetch_tree(reader), reader.accounts(), if_allowed(_services(reader), SERVICES, denied)
    )
    return Answers(organization, tree, accounts, services)


async def _services(reader: Reader) -> dict[str, tuple[str, ...]]:
    """The services of every delegated administrator. One that is none any more when it is asked has no services."""
    administrators = await reader.delegated_administrators()
    services = await together((_unless_gone(reader, account) for account in administrators), _TOGETHER)
    return dict(zip(administrators, services, strict=True))


async def _unless_gone(reader: Reader, account: str) -> tuple[str, ...]:
    try:
        return await reader.delegated_services(account)
    except AwsError as error:
        if error.cause is not AwsCause.GONE:
            raise
        return ()
