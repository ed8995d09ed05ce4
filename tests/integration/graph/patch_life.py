"""AWS, what is on its way from it, and the graph: a world in which commands and readings pass each other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from grantwire.contracts import chunks
from grantwire.contracts.resources import Facts, Kind, RelationKind, Resource
from grantwire.graph import Graph, apply_seal
from grantwire.graph.checking import check
from grantwire.graph.patching import PartRead
from tests.integration.graph.joined import World, pairs, scope, sizes
from tests.integration.graph.patches import (
    ADMIN_POLICY,
    ASSIGNMENTS,
    IAM,
    OPS,
    assigned,
    attached,
    of,
    pair,
    part,
    patch,
    rows,
    two_minutes_pass,
)
from tests.integration.graph.scenes import ACCOUNT, facts, group, member, user

PARTS = {IAM: "abmi", ASSIGNMENTS: "XY"}  # two users' groups, a role's managed and inline policies; two pairs
GROUPS = {letter: group(letter) for letter in "gh"}
POLICIES = {
    "g": ADMIN_POLICY,
    "h": Resource(Kind.IAM_POLICY, f"arn:aws:iam::{ACCOUNT}:policy/own", ACCOUNT, "own", {"managed_by": "customer"}),
}
INSIDE = {
    letter: Resource(Kind.INLINE_POLICY, f"{OPS.native_id}#{letter}", ACCOUNT, letter, {"document": {}})
    for letter in "gh"
}


@dataclass(frozen=True)
class State:
    """A scope as AWS has it: which of two things each part holds, and something that no part is about."""

    parts: dict[str, frozenset[str]]
    level: int = 0

    def toggled(self, name: str, letter: str) -> "State":
        return replace(self, parts={**self.parts, name: self.parts[name] ^ {letter}})


@dataclass
class Truth:
    """What the graph is to hold of a scope, by the places in the stream of what arrived."""

    state: State
    began: int = 0
    whole: int = 0
    patched: dict[str, int] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)

    def read(self, place: int, read: State) -> None:
        if place <= self.began:
            return
        self.began = self.whole = place
        held = {name for name, at in self.patched.items() if at > place or name in self.fresh}
        parts = {name: self.state.parts[name] if name in held else said for name, said in read.parts.items()}
        self.state = State(parts, read.level)

    def failed(self, place: int) -> None:
        self.began = max(self.began, place)

    def patch(self, place: int, name: str, said: frozenset[str]) -> None:
        if place > max(self.whole, self.patched.get(name, 0)):
            self.state = replace(self.state, parts={**self.state.parts, name: said})
            self.patched[name] = place
            self.fresh.add(name)


def content(key: str, state: State) -> Facts:
    return _iam(state) if key == IAM else _assignments(state)


def _iam(state: State) -> Facts:
    people = [user("a", level=state.level), user("b")]
    inside = [INSIDE[letter] for letter in sorted(state.parts["i"])]
    links = [member(GROUPS[of], who) for who in people for of in sorted(state.parts[who.name])]
    links += [attached(POLICIES[letter], OPS) for letter in sorted(state.parts["m"])]
    links += [attached(row, OPS) for row in inside]
    return facts([*people, *GROUPS.values(), OPS, POLICIES["h"], *inside], links, [ADMIN_POLICY])


def _assignments(state: State) -> Facts:
    """A pair without assignments is none."""
    here = pairs("Z" if state.level % 2 else "W", *(name for name, who in sorted(state.parts.items()) if who))
    links = [assigned(f"u-{letter}", name) for name, who in state.parts.items() for letter in sorted(who)]
    return facts(here.resources, [*here.relations, *links], here.mentions)


def reading(name: str, said: frozenset[str]) -> PartRead:
    """What the list call of a part gives."""
    letters = sorted(said)
    if name in "ab":
        who = user(name)
        return PartRead(part(RelationKind.MEMBER_OF, who), tuple(member(GROUPS[letter], who) for letter in letters))
    if name == "m":
        links = tuple(attached(POLICIES[letter], OPS) for letter in letters)
        return PartRead(part(RelationKind.ATTACHED, OPS, Kind.IAM_POLICY), links, mentions=(ADMIN_POLICY,))
    if name == "i":
        inside = tuple(INSIDE[letter] for letter in letters)
        links = tuple(attached(row, OPS) for row in inside)
        return PartRead(part(RelationKind.ATTACHED, OPS, Kind.INLINE_POLICY), links, inside)
    one = pair(name)
    gone = () if said else ((one.kind, one.native_id),)
    links = tuple(assigned(f"u-{letter}", name) for letter in letters)
    return PartRead(part(RelationKind.ASSIGNED, one), links, (one,) if said else (), gone)


class Life:
    """AWS, what is on its way to the graph, and the graph."""

    def __init__(self, graph: Graph) -> None:
        self.world = World(graph)
        self.aws = {key: [State(dict.fromkeys(names, frozenset("g")))] for key, names in PARTS.items()}
        self.truth = {key: Truth(state) for key, (state,) in self.aws.items()}
        self.under_way: list[Callable[[], Any]] = []
        self.arrived: list[Callable[[], Any]] = []

    async def live(self, steps: list[Any], ends: list[Any]) -> None:
        for key in PARTS:
            await self._whole(key)()
            await self.world.hear()
        for what, key, *more in steps:
            await getattr(self, f"_{what}")(key, *more)
        for key, (name, letter) in zip(PARTS, ends, strict=True):
            late = self._whole(key)
            await self._command(key, PARTS[key][name % len(PARTS[key])], letter)
            await self._run(self.under_way.pop())
            await self._run(late)
        await self._at_last()

    async def _toggle(self, key: str, name: int, letter: str) -> None:
        chosen = PARTS[key][name % len(PARTS[key])]
        self.aws[key].append(self.aws[key][-1].toggled(chosen, letter))

    async def _level(self, key: str) -> None:
        now = self.aws[key][-1]
        self.aws[key].append(replace(now, level=now.level + 1))

    async def _begin(self, key: str) -> None:
        self.under_way.append(self._whole(key))

    async def _stale(self, key: str) -> None:
        """AWS answers from before the last change, and this arrives at once."""
        await self._run(self._whole(key, self.aws[key][-2:][0]))

    async def _change(self, key: str, name: int, letter: str) -> None:
        await self._command(key, PARTS[key][name % len(PARTS[key])], letter)

    async def _at_once(self, key: str, name: int, letter: str) -> None:
        await self._change(key, name, letter)
        await self._run(self.under_way.pop())

    async def _command(self, key: str, name: str, letter: str) -> None:
        self.aws[key].append(self.aws[key][-1].toggled(name, letter))
        said, bus = self.aws[key][-1].parts[name], self.world.bus(key)
        bus.sequence += 1
        place = bus.sequence

        async def arrive() -> None:
            self.truth[key].patch(place, name, said)
            await patch(self.world.graph, bus, reading(name, said), fence=place, cause=f"command {place}")

        self.under_way.append(arrive)

    async def _arrive(self, key: str, which: int) -> None:
        if self.under_way:
            await self._run(self.under_way.pop(which % len(self.under_way)))

    async def _again(self, key: str, which: int) -> None:
        if self.arrived:
            await self._run(self.arrived[which % len(self.arrived)])

    async def _fail(self, key: str) -> None:
        await self.world.bus(key).fail()
        self.truth[key].failed(self.world.bus(key).sequence)

    async def _same(self, key: str) -> None:
        """The collector found the body that it was told of, whatever that is worth by now."""
        bus, now = self.world.bus(key), self.aws[key][-1]
        digest = chunks.digest(chunks.encode(content(key, now)), "bulk")
        applied = await bus.same(content(key, now), digest=digest)
        if applied.outcome == "unchanged":
            self.truth[key].read(bus.sequence, now)
        await self._look()

    async def _age(self, key: str) -> None:
        await two_minutes_pass(self.world.graph)
        for truth in self.truth.values():
            truth.fresh.clear()

    def _whole(self, key: str, state: State | None = None) -> Callable[[], Any]:
        """A reading that begins now."""
        read, bus = state or self.aws[key][-1], self.world.bus(key)
        seal, body = bus.seal(content(key, read))

        async def arrive() -> None:
            self.truth[key].read(seal.fence, read)
            await apply_seal(self.world.graph, seal, body, traceparent=None)

        return arrive

    async def _run(self, arrive: Callable[[], Any]) -> None:
        self.arrived.append(arrive)
        await arrive()
        await self._look()

    async def _look(self) -> None:
        """Rows, messages and digests, all against the truth."""
        wanted = {key: content(key, truth.state) for key, truth in self.truth.items()}
        assert rows(await self.world.hear()) == {**of(wanted[IAM]), **of(wanted[ASSIGNMENTS])}
        for key, truth in self.truth.items():
            digest = (await scope(self.world.graph, key))["digest"]
            assert digest in (None, chunks.digest(chunks.encode(wanted[key]), "bulk"))
            assert digest is None or truth.began > max(truth.patched.values(), default=0)

    async def _at_last(self) -> None:
        """When all is quiet, one reading of each scope says what is."""
        await self._age("")
        for key in PARTS:
            await self._run(self._whole(key))
            assert self.truth[key].state == self.aws[key][-1]
            state = await scope(self.world.graph, key)
            assert (state["state"], state["digest"] is not None, state["resync"]) == ("complete", True, False)
        await sizes(self.world.graph)
        assert await check(self.world.graph) == []
