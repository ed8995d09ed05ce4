"""Which resource the source of a claim is now: its place may be in the organization today and outside tomorrow.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from grantwire.sandbox.facts import Claim

_ACCOUNT = re.compile(r"(\d{12})|arn:[^:]*:[^:]*:[^:]*:(\d{12}):.*", re.DOTALL)
_ENTITY = re.compile(r"arn:[^:]*:iam::\d{12}:(user|role)/.*", re.DOTALL)


@dataclass(frozen=True)
class Around:
    """What a trust policy may name beyond its own account.

    `members`: the accounts of the organization; None when none is known. `arns`: of the users and roles of all of
    them, by unique id.
    """

    partition: str = "aws"
    members: frozenset[str] | None = None
    arns: Mapping[str, str] = field(default_factory=dict)

    def inside(self, account: str | None, own: str) -> bool:
        """Whether an account is one of those that are read as one."""
        return account == own or (self.members is not None and account in self.members)


def account_in(native_id: str) -> str | None:
    """The 12 digits that an id is or holds."""
    found = _ACCOUNT.fullmatch(native_id)
    return (found[1] or found[2]) if found else None


def placed(claim: Claim, own: str, around: Around, arns: Mapping[str, str]) -> Claim:
    """The claim of a role in account `own`, with the source as the export shows it now."""
    if claim.source_kind in ("iam_user", "iam_role"):
        arn = arns.get(claim.source)
        if arn is None:  # AWS shows the unique id of a principal that was deleted
            return _outside(claim, claim.source, "deleted")
        inside = around.inside(account_in(arn), own)
        return replace(claim, source=arn) if inside else _known(_outside(claim, arn, "unresolved"), own, around)
    if claim.source_kind == "account":
        inside = around.inside(claim.source, own)
        return claim if inside else _known(_outside(claim, claim.source, "account"), own, around)
    return _known(claim, own, around)


def _outside(claim: Claim, source: str, principal_class: str) -> Claim:
    kind = "external_principal"
    return replace(
        claim, source=source, source_kind=kind, principal_class=principal_class, issuer=None, in_organization=None
    )


def _known(claim: Claim, own: str, around: Around) -> Claim:
    """An external principal, as far as an organization says more of it than was planted."""
    account, entity = account_in(claim.source), _ENTITY.fullmatch(claim.source)
    if around.members is None or account is None:
        return claim
    inside = around.inside(account, own)
    if inside and claim.principal_class == "account":
        return Claim(account, "account", claim.effect, claim.statements)
    if inside and entity is not None and claim.principal_class == "unresolved":
        return Claim(claim.source, f"iam_{entity[1]}", claim.effect, claim.statements)
    return replace(claim, in_organization=inside)
