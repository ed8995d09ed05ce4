"""Which scopes a run reads, which cannot be read, and which count no more. No I/O here."""

from collections.abc import Iterator, Mapping, Set
from datetime import timedelta
from typing import Final

from grantwire.contracts.cadence import reading_interval
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import (
    AccountId,
    assignments_scope,
    credentials_scope,
    directory_groups_scope,
    directory_memberships_scope,
    directory_users_scope,
    iam_scope,
    organization_scope,
    permission_sets_scope,
    scim_scope,
)
from grantwire.contracts.snapshots import Reason
from grantwire.graph.wanted import Decision, Known, Member, Part, Standing

_MOST_DOUBLINGS: Final = 3  # a failing scope rests eight intervals at most
_ENTERED: Final = ("iam", "credentials")  # sources that read inside the account, as opposed to about it
_CLOSED: Final = {
    "SUSPENDED": Reason(code="suspended", text="AWS has suspended account {}; nobody can enter it."),
    "PENDING_CLOSURE": Reason(code="closing", text="Account {} is being closed; nobody can enter it."),
    "CLOSED": Reason(code="closed", text="Account {} is closed; nobody can enter it."),
    "PENDING_ACTIVATION": Reason(
        code="pending_activation", text="Account {} is not activated yet (PENDING_ACTIVATION); AWS lets nobody in."
    ),
}


def decide(known: Known) -> Decision:
    """What becomes of each scope that the connector might read, and of each that it has."""
    candidates = _candidates(known)
    out = {account: why for account, one in candidates.items() if (why := left_out(known.connector, one))}
    decision, standing = Decision(), _standing(known)
    decision.jobs.extend(part for part in _shared(known) if _due(known, standing.get(part.key)))
    for account, member in sorted(candidates.items()):
        if account not in out:
            _place(known, member, standing, decision)
    for scope in known.scopes:
        if not scope.retired and (why := _unwanted(known, scope, candidates.keys(), out)):
            decision.retire[scope.key] = why
    return decision


def decide_at_once(known: Known) -> Decision:
    """What is read beside the organization, because nothing that it tells decides about it."""
    return Decision(jobs=[part for part in _at_once(known) if _due(known, _standing(known).get(part.key))])


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
    """Whether a scope that keeps failing is left alone this time: longer after each failure, never longer than eight
    intervals. A person who asks does not wait."""
    if known.cause != "interval" or scope.retired or not scope.failures or scope.tried_at is None:
        return False
    interval = known.connector.interval
    pause = interval * (1 << min(scope.failures - 1, _MOST_DOUBLINGS))
    return known.now < scope.tried_at + pause - _slack(interval)


def _slack(interval: timedelta) -> timedelta:
    """A try ends some time after its run began: the run one interval later must not be taken for too early."""
    return interval / 2


def _due(known: Known, scope: Standing | None) -> bool:
    """Whether a scope is read this time: it does not rest, and the slower cadence that it may have is over."""
    if scope is None or scope.retired:
        return True
    return not rests(known, scope) and not _fresh(known, scope)


def _fresh(known: Known, scope: Standing) -> bool:
    """Of a scope with a cadence of its own: read whole not long ago. What a person asks for is read at once, and so are
    permission sets of which an account shows one that nobody knows."""
    interval = known.connector.interval
    cadence = reading_interval(scope.key, interval)
    if cadence == interval or known.cause != "interval" or known.unknown_sets or scope.failures:
        return False
    return scope.observed_at is not None and known.now < scope.observed_at + cadence - _slack(interval)


def _candidates(known: Known) -> dict[str, Member]:
    """The connector's own account, and those of its organization as far as it is known."""
    members = {member.account: member for member in known.members} if known.organization else {}
    own = members.get(known.account, Member(known.account, known.account, None, ()))
    return {**members, known.account: own}


def _parts(known: Known, account: AccountId) -> Iterator[Part]:
    """What is read of an account, in the order in which it is asked for."""
    if known.connector.child_iam or account == known.account:
        yield Part("iam", iam_scope(account), account)
        if known.connector.sync_secrets:
            yield Part("credentials", credentials_scope(account), account)
    if known.organization and known.identity_center:
        yield Part("identity_center", assignments_scope(account), account)


def _standing(known: Known) -> dict[str, Standing]:
    return {scope.key: scope for scope in known.scopes}


def _at_once(known: Known) -> Iterator[Part]:
    """What takes the most calls of Identity Center. Its users are not among them: their list is begun when the accounts
    have named theirs, whom it tells of too."""
    if known.organization and (center := known.identity_center):
        yield Part("identity_center", permission_sets_scope(center.instance_arn), None)
        yield Part("identity_center", directory_groups_scope(center.identity_store), None)
        yield Part("identity_center", directory_memberships_scope(center.identity_store), None)


def _shared(known: Known) -> Iterator[Part]:
    """What is read once, whatever accounts there are: first, for reading assignments needs to know the directory."""
    yield from _at_once(known)
    if known.organization and (center := known.identity_center):
        yield Part("identity_center", directory_users_scope(center.identity_store), None)
    if known.connector.scim and known.connector.scim_endpoint:
        yield Part("scim", scim_scope(known.connector.scim_endpoint), None)


def _place(known: Known, member: Member, standing: Mapping[str, Standing], decision: Decision) -> None:
    parts = list(_parts(known, AccountId(member.account)))
    if (owner := known.taken.get(member.account)) and parts:
        left = f"connector {known.connector.id!r} leaves it alone."
        decision.skipped.append(f"Account {member.account} is read by connector {owner!r}; {left}")
        return
    closed = _unreachable(known, member)
    for part in parts:
        if closed is not None and part.source in _ENTERED:
            decision.unreachable[part] = closed
        elif _due(known, standing.get(part.key)):
            decision.jobs.append(part)


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
    if scope.account is None:
        return _other_shared(known, scope)
    if scope.account in candidates:
        return out.get(scope.account) or _switched_off(known, scope, AccountId(scope.account))
    id, account = known.connector.id, scope.account
    if known.organization is None:
        return f"Connector {id!r} reads account {known.account} alone; account {account} is not part of that."
    if not known.connector.child_iam and scope.source in _ENTERED:
        return _no_children(known, account)
    return f"Account {account} is no longer in the organization." if known.members else None


def _switched_off(known: Known, scope: Standing, account: AccountId) -> str | None:
    """The setting by which a scope of an account that counts is read no more."""
    if scope.key in {part.key for part in _parts(known, account)}:
        return None
    id = known.connector.id
    if scope.source == "identity_center":
        return f"Connector {id!r} reads no Identity Center any more."
    if scope.source == "credentials" and not known.connector.sync_secrets:
        return f"The setting sync_secrets of connector {id!r} is off."
    return _no_children(known, account)


def _no_children(known: Known, account: str) -> str:
    return f"The setting child_iam of connector {known.connector.id!r} is off, which leaves account {account} out."


def _other_shared(known: Known, scope: Standing) -> str | None:
    if scope.key in {part.key for part in _shared(known)}:
        return None
    id, center = known.connector.id, known.identity_center
    if scope.source == "scim":
        what = "another SCIM endpoint" if known.connector.scim else "no SCIM endpoint"
        return f"Connector {id!r} reads {what} now."
    return f"Connector {id!r} reads {f'Identity Center {center.instance_arn}' if center else 'no Identity Center'} now."


def _other_organization(known: Known, scope: Standing) -> str | None:
    if known.organization is None:
        return f"Connector {known.connector.id!r} reads no organization any more."
    if scope.key == organization_scope(known.organization):
        return None
    return f"Connector {known.connector.id!r} reads organization {known.organization} now."


def _sentence(filters: str, member: Member) -> str:
    verb = "filters {} leave" if " " in filters else "filter {} leaves"
    return f"The {verb.format(filters)} account {member.account} out."
