"""Who calls: users by their access keys, roles by their sessions; and whether their own policies let them act."""

from __future__ import annotations

from dataclasses import dataclass, field

from grantwire.sandbox.access.policies import Ask, Verdict, verdict
from grantwire.sandbox.facts import Role, User
from grantwire.sandbox.world import World


@dataclass(frozen=True)
class Principal:
    """An authenticated caller. `row` is the user, or the role of the session named `session`."""

    world: World
    row: User | Role
    session: str | None = None
    narrowed_by: tuple[str, ...] | None = None  # documents of the session policies, if any were given
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The ARN as GetCallerIdentity and error texts show it."""
        if self.session is None:
            return self.world.arn(self.row)
        return f"arn:{self.world.partition}:sts::{self.world.account}:assumed-role/{self.row.name}/{self.session}"

    @property
    def user_id(self) -> str:
        """`AIDA...` of a user, `AROA...:session` of a role's session."""
        return self.row.unique_id if self.session is None else f"{self.row.unique_id}:{self.session}"

    def context(self) -> dict[str, str]:
        """The condition keys that every request of this caller carries."""
        tags = {f"aws:PrincipalTag/{key}": value for key, value in self.row.tags}
        return tags | {
            "aws:PrincipalArn": self.world.arn(self.row),
            "aws:PrincipalAccount": self.world.account,
            "aws:userid": self.user_id,
        }

    def documents(self) -> list[str]:
        """The identity policies: inline and attached, of the user's groups too."""
        holders = [self.row.unique_id, *self.world.groups_of.get(self.row.unique_id, ())]
        found = [each.document for holder in holders for each in self.world.inline.get(holder, {}).values()]
        arns = [arn for holder in holders for arn in self.world.attached.get(holder, {})]
        return found + [document for arn in arns if (document := default_document(self.world, arn))]

    def refusal(self, ask: Ask) -> str | None:
        """None if the caller's own policies allow it, else the reason in AWS's words."""
        identity = verdict(self.documents(), ask)
        boundary = self._boundary(ask)
        session = verdict(self.narrowed_by, ask) if self.narrowed_by is not None else Verdict.ALLOW
        checks = (("identity-based policy", identity), ("permissions boundary", boundary), ("session policy", session))
        for name, said in checks:
            if said is Verdict.DENY:
                return f"with an explicit deny in {'an' if name.startswith('i') else 'a'} {name}"
        for name, said in checks:
            if said is not Verdict.ALLOW:
                return f"because no {name} allows the {ask.action} action"
        return None

    def _boundary(self, ask: Ask) -> Verdict:
        if self.row.boundary is None:
            return Verdict.ALLOW
        document = default_document(self.world, self.row.boundary)
        return verdict([document], ask) if document else Verdict.SILENT


def default_document(world: World, arn: str) -> str | None:
    """The document of a managed policy's default version."""
    policy = world.policy(arn)
    if policy is None:
        return None
    return next(version.document for version in policy.versions if version.version_id == policy.default)
