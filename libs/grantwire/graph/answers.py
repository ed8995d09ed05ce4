"""What an answer consists of."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from grantwire.contracts.resources import RelationKind
from grantwire.graph.chains import Effect
from grantwire.graph.nodes import Node
from grantwire.graph.views import ScopeView

Question: TypeAlias = Literal["can", "who_can"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step away from the subject. ``through`` is the account, or anyone, whose trust is used."""

    relation: RelationKind
    node: Node
    effect: Effect
    through: Node | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """``end`` is what the subject reaches, or who reaches it. ``effect`` is that of the weakest step.

    ``provisioned`` names the permission sets in accounts by which it is so. ``via`` passes the first of them; the same
    holds, step by step, of the others.
    """

    end: Node
    effect: Effect
    via: list[Step]
    conditions: list[Any]
    note: str | None
    provisioned: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A permission set in an account, and the role there that it is realized as, where that was read."""

    native_id: str
    display: str
    permission_set: str
    permission_set_name: str
    account: str
    account_name: str | None
    role: str | None
    role_name: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """``freshness`` holds the scopes that the answer rests on; ``note`` says what was not followed. ``provisioned``
    describes every permission set in an account that a path names."""

    question: Question
    subject: Node
    revision: int
    freshness: list[ScopeView]
    paths: list[Path]
    note: str | None = None
    provisioned: list[Provisioned] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The answer as plain values, as faces print it: a path's end is its ``target``, or its ``source``."""
        end = "target" if self.question == "can" else "source"
        whole = asdict(self)
        whole["paths"] = [{end: path.pop("end"), **path} for path in whole["paths"]]
        return whole
