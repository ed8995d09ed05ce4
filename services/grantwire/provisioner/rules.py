"""Who may ask for what: rules from a file. Without one only dry runs are let in. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.failures import Invalid
from grantwire.contracts.resources import Kind
from grantwire.contracts.snapshots import Reason

ANY: Final = "*"


class Rule(BaseModel):
    """What some teams may ask for; ``*`` is every one. ``targets`` are kinds; ``principals`` too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teams: list[str] = Field(min_length=1)
    verbs: list[Literal["grant", "revoke", "*"]] = [ANY]
    connectors: list[str] = [ANY]
    accounts: list[str] = [ANY]
    principals: list[Kind | Literal["*"]] = [ANY]
    targets: list[Kind | Literal["*"]] = [ANY]

    def allows(self, command: AccessCommand, team: str) -> bool:
        asked = (
            (self.teams, team),
            (self.verbs, command.verb()),
            (self.connectors, command.connector),
            (self.accounts, command.account),
            (self.principals, command.principal.kind),
            (self.targets, command.target.kind),
        )
        return all(ANY in allowed or value in allowed for allowed, value in asked)


class Rules(BaseModel):
    """``allow``: a command is let in if one of them allows it. ``given`` is False where there is no file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: list[Rule] = Field(default_factory=list)
    given: bool = Field(default=True, exclude=True)

    @classmethod
    def parse(cls, content: Mapping[str, Any] | None, source: str) -> Self:
        """Raises ``Invalid`` with every field that is wrong."""
        try:
            return cls.model_validate(content or {})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise Invalid(f"The rules in {source} cannot be read: {wrong}.", "rules") from None

    def refusal(self, command: AccessCommand, team: str) -> Reason | None:
        """Why the rules do not let it in."""
        if command.dry_run or any(rule.allows(command, team) for rule in self.allow):
            return None
        if not self.given:
            text = "There are no rules, so only dry runs are let in; next: name a file of them in GRANTWIRE_RULES_FILE."
            return Reason(code="no_rules", text=text)
        asked = f"{command.verb()} a {command.target.kind} to a {command.principal.kind} in account {command.account}"
        return Reason(
            code="not_allowed", text=f"No rule lets team {team!r} {asked} of connector {command.connector!r}."
        )
