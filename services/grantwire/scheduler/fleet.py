"""Which accounts of an organization are read, which cannot be, and which scopes count no more. No I/O here."""

from collections.abc import Mapping, Set
from datetime import timedelta
from typing import Final

from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import organization_scope
from grantwire.contracts.snapshots import Reason
from grantwire.graph.wanted import Decision, Known, Member, Standing

_MOST_DOUBLINGS: Final = 3  # a failing account rests eight intervals at most
_CLOSED: Final = {
    "SUSPENDED": Reason(code="suspended", text="AWS has suspended account {}; nobody can enter it."),
    "PENDING_CLOSURE": Reason(code="closing", text="Account {} is being closed; nobody can enter it."),
    "CLOSED": Reason(code="closed", text="Account {} is closed; nobody can enter it."),
    "PENDING_ACTIVATION": Reason(
        code="pending_activation", text="Account {} is not activated yet (PENDING_ACTIVATION); AWS lets nobody in."
    ),
}


def decide(known: Known) -> Decision:
    """What becomes of each account that the connector might read, and of each scope that it has."""
    candidates = _candidates(known)
    out = {account: why for account, one in candidates.items() if (why := left_out(known.connector, one))}
    decision = Decision()
    for account, member in sorted(candidates.items()):
        if account not in out:
            _place(known, member, decision)
    for scope in known.scopes:
        if not scope.retired and (why := _unwanted(known, scope, candidates.keys(), out)):
            decision.retire[scope.key] = why
    return decision


def left_out(connector: Connector, member: Member) -> str | None:
    """The sentence that says which filter leaves an account out; None if none does.

    A unit's filter covers all below it. What is excluded stays out even if it is included; without any inclusion
    everything is.
    """
    units = set(member.units)
    if member.account in connector.exclude_accounts:
        return _sentence("exclude_accounts", member)
    if units & set(connector.exclude_ous):
        return _sentence("exclude_ous", member)
    included = [name for name in ("include_accounts", "include_ous") if getattr(connector, name)]
    if not included or member.account in connector.include_accounts or units & set(connector.include_ous):
        return None
    return _sentence(" and ".join(included), member)


def rests(known: Known, scope: Standing) -> bool:
    """Whether an account that keeps failing is left alone this time: longer after each failure, never longer than eight
    intervals. A person who asks does not wait."""
    if known.cause != "interval" or scope.retired or not scope.failures or scope.tried_at is None:
        return False
    interval = known.connector.interval
    pause = interval * (1 << min(scope.failures - 1, _MOST_DOUBLINGS))
    return known.now < scope.tried_at + pause - _slack(interval)


def _slack(interval: timedelta) -> timedelta:
    """A try ends some time after its run began: the run one interval later must not be taken for too early."""
    return interval / 2


def _candidates(known: Known) -> dict[str, Member]:
    """The connector's own account, and those of its organization as far as it is known and wanted."""
    members = {member.account: member for member in known.members} if known.organization else {}
    own = members.get(known.account, Member(known.account, known.account, None, ()))
    return {**(members if known.connector.child_iam else {}), known.account: own}


def _place(known: Known, member: Member, decision: Decision) -> None:
    account = member.account
    if owner := known.taken.get(account):
        decision.skipped.append(
            f"Account {account} is read by connector {owner!r}; connector {known.connector.id!r} leaves it alone."
        )
    elif reason := _unreachable(known, member):
        decision.unreachable[account] = reason
    elif not any(scope.source == "iam" and scope.account == account and rests(known, scope) for scope in known.scopes):
        decision.jobs.append(account)


def _unreachable(known: Known, member: Member) -> Reason | None:
    """AWS's own word is stronger than what a person accepted."""
    if closed := _CLOSED.get(member.state or ""):
        return Reason(code=closed.code, text=closed.text.format(member.account))
    gap = known.gaps.get(member.account)
    return gap.told(member.account) if gap is not None and gap.until > known.now else None


def _unwanted(known: Known, scope: Standing, candidates: Set[str], out: Mapping[str, str]) -> str | None:
    """Why a scope counts no more. Nobody is missing from an organization that was never read."""
    if scope.source == "organization":
        return _other_organization(known, scope)
    if scope.account is None or scope.account in candidates:
        return out.get(scope.account or "")
    id, account = known.connector.id, scope.account
    if known.organization is None:
        return f"Connector {id!r} reads account {known.account} alone; account {account} is not part of that."
    if not known.connector.child_iam:
        return f"The setting child_iam of connector {id!r} is off, which leaves account {account} out."
    return f"Account {account} is no longer in the organization." if known.members else None


def _other_organization(known: Known, scope: Standing) -> str | None:
    if known.organization is None:
        return f"Connector {known.connector.id!r} reads no organization any more."
    if scope.key == organization_scope(known.organization):
        return None
    return f"Connector {known.connector.id!r} reads organization {known.organization} now."


def _sentence(filters: str, member: Member) -> str:
    verb = "filters {} leave" if " " in filters else "filter {} leaves"
    return f"The {verb.format(filters)} account {member.account} out."
