"""A command counts once, in the order of the stream, and one engine at a time has it."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.snapshots import Reason
from grantwire.graph import Graph, inbox, operations, operations_view
from grantwire.graph.operation import Claimed, Ending, Operation, Progress
from grantwire.graph.operations import ClaimLost
from tests.integration.graph.commands import arrived, command, told

WHY = Reason(code="x", text="Because.")
SECONDS = 30.0


async def claimed(graph: Graph, seconds: float = SECONDS) -> Operation:
    found = await operations.claim(graph, seconds)
    assert found is not None
    return found.operation


async def end(graph: Graph, operation: Operation, state: str = "granted") -> None:
    await operations.finish(graph, operation, Ending(state, Progress()))


async def test_a_command_is_taken_once_however_often_it_comes(graph: Graph) -> None:
    wanted = command()
    assert await inbox.accept(graph, arrived(wanted)) == "accepted"
    assert [await inbox.accept(graph, arrived(wanted)) for _ in range(3)] == ["known"] * 3
    assert await told(graph) == ["accepted"]
    assert (await claimed(graph)).command == wanted
    assert await operations.claim(graph, SECONDS) is None


async def test_the_same_id_with_another_body_is_refused_and_the_first_stands(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted))
    other = wanted.model_copy(update={"reason": "another"})
    assert await inbox.accept(graph, arrived(other)) == "id_reused"
    assert await told(graph) == ["accepted", "refused"]
    assert (await claimed(graph)).command == wanted


async def test_two_teams_may_choose_the_same_id(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted))
    assert await inbox.accept(graph, arrived(wanted, team="search")) == "accepted"


async def test_a_refused_command_stands_in_nobodys_way(graph: Graph) -> None:
    queued = command()
    await inbox.accept(graph, arrived(queued))
    refused = command("revoke")
    assert await inbox.accept(graph, arrived(refused, refusal=WHY)) == "refused"
    assert await told(graph, refused.id) == ["refused"]
    assert await told(graph, queued.id) == ["accepted"]
    assert (await claimed(graph)).id == queued.id


async def test_a_newer_intent_supersedes_what_waits(graph: Graph) -> None:
    older, newer = command(), command("revoke")
    await inbox.accept(graph, arrived(older))
    await inbox.accept(graph, arrived(newer))
    assert await told(graph, older.id) == ["accepted", "superseded"]
    assert (await claimed(graph)).id == newer.id


async def test_an_older_intent_that_comes_late_is_superseded(graph: Graph) -> None:
    older, newer = command(), command("revoke")
    await inbox.accept(graph, arrived(newer, 1_000_000))
    assert await inbox.accept(graph, arrived(older, 999_999)) == "superseded"
    assert await told(graph, older.id) == ["accepted", "superseded"]


async def test_a_copy_that_was_sent_earlier_makes_its_command_older(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted, 2_000_009))
    assert await inbox.accept(graph, arrived(wanted, 2_000_001)) == "known"
    assert (await claimed(graph)).sequence == 2_000_001


async def test_whoever_was_overtaken_by_a_copy_is_what_counts_once_the_original_comes(graph: Graph) -> None:
    first, second = command(), command("revoke")
    await inbox.accept(graph, arrived(second, 2_000_005))
    await inbox.accept(graph, arrived(first, 2_000_009))
    assert await told(graph, second.id) == ["accepted", "superseded"]
    await inbox.accept(graph, arrived(first, 2_000_001))
    assert await told(graph, first.id) == ["accepted", "superseded"]
    watcher = await claimed(graph)
    newest = await operations.newest(graph, watcher.intent)
    assert watcher.watch and newest is not None and newest.id == second.id


async def test_a_dry_run_supersedes_nothing_and_waits_for_nobody(graph: Graph) -> None:
    queued = command()
    await inbox.accept(graph, arrived(queued))
    await claimed(graph)
    await inbox.accept(graph, arrived(command("revoke", dry_run=True)))
    assert (await claimed(graph)).dry_run
    assert await told(graph, queued.id) == ["accepted"]


async def test_one_principal_is_changed_by_one_command_at_a_time_in_order(graph: Graph) -> None:
    first, second, other = command(group="a"), command(group="b"), command(user="eve")
    for each in (first, second, other):
        await inbox.accept(graph, arrived(each))
    held = await claimed(graph)
    assert held.id == first.id
    assert (await claimed(graph)).id == other.id
    assert await operations.claim(graph, SECONDS) is None
    await end(graph, held)
    assert (await claimed(graph)).id == second.id


async def test_what_is_parked_is_passed_by_others(graph: Graph) -> None:
    first, second = command(group="a"), command(group="b")
    for each in (first, second):
        await inbox.accept(graph, arrived(each))
    await operations.park(graph, await claimed(graph), WHY, 600.0)
    assert (await claimed(graph)).id == second.id
    assert await told(graph, first.id) == ["accepted", "parked"]


async def test_a_parked_command_is_told_once_for_each_reason(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted))
    for _ in range(3):
        await operations.park(graph, await claimed(graph), WHY, 0.0)
    await operations.park(graph, await claimed(graph), Reason(code="y", text="Now for that."), 0.0)
    assert await told(graph, wanted.id) == ["accepted", "parked", "parked"]


async def test_a_newer_intent_supersedes_what_is_parked(graph: Graph) -> None:
    parked = command()
    await inbox.accept(graph, arrived(parked))
    await operations.park(graph, await claimed(graph), WHY, 600.0)
    await inbox.accept(graph, arrived(command("revoke")))
    assert await told(graph, parked.id) == ["accepted", "parked", "superseded"]


async def test_what_is_being_written_is_left_to_its_engine(graph: Graph) -> None:
    writing, newer = command(), command("revoke")
    await inbox.accept(graph, arrived(writing))
    held = await claimed(graph)
    await inbox.accept(graph, arrived(newer))
    assert await operations.claim(graph, SECONDS) is None
    newest = await operations.newest(graph, held.intent)
    assert newest is not None and newest.id == newer.id
    await end(graph, held)
    assert (await claimed(graph)).id == newer.id


async def test_a_lost_claim_writes_nothing_any_more(graph: Graph) -> None:
    await inbox.accept(graph, arrived(command()))
    lost = await claimed(graph, 0.0)
    taken = await claimed(graph)
    assert (taken.id, taken.taken_over) == (lost.id, 1)
    acts: list[Any] = [
        operations.checkpoint(graph, replace(lost, step="acting"), SECONDS),
        operations.rest(graph, lost, 1.0),
        operations.park(graph, lost, WHY, 1.0),
        operations.finish(graph, lost, Ending("granted", Progress())),
    ]
    for act in acts:
        with pytest.raises(ClaimLost):
            await act
    assert await told(graph) == ["accepted"]


async def test_how_far_it_was_survives_its_engine(graph: Graph) -> None:
    await inbox.accept(graph, arrived(command()))
    held = await claimed(graph)
    progress = Progress(before=False, sent=1, request_id="r", request_ids=("r",))
    await operations.checkpoint(graph, replace(held, step="waiting", progress=progress), 0.0)
    again = await claimed(graph)
    assert (again.step, again.progress) == ("waiting", progress)


async def test_what_rests_keeps_its_resource(graph: Graph) -> None:
    await inbox.accept(graph, arrived(command(group="a")))
    await inbox.accept(graph, arrived(command(group="b")))
    await operations.rest(graph, await claimed(graph), 600.0)
    assert await operations.claim(graph, SECONDS) is None


async def test_watching_over_what_may_be_written_late_blocks_nobody_and_tells_nobody(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted))
    held = await claimed(graph)
    await operations.watch_over(graph, held, "It may have written late.", 600.0)
    await end(graph, held)
    newer = command("revoke")
    await inbox.accept(graph, arrived(newer))
    await end(graph, await claimed(graph), "revoked")
    await operations.watch_over(graph, held, "Now.", 0.0)
    watcher = await claimed(graph)
    newest = await operations.newest(graph, watcher.intent)
    assert watcher.watch and newest is not None and newest.id == newer.id
    await end(graph, watcher, "already_gone")
    assert await told(graph) == ["accepted", "granted", "accepted", "revoked"]


async def test_the_last_that_was_told_is_there_for_whoever_asks(graph: Graph) -> None:
    wanted = command()
    await inbox.accept(graph, arrived(wanted))
    assert (await inbox.last_told(graph, "payments", wanted.id) or {})["state"] == "accepted"
    assert await inbox.last_told(graph, "search", wanted.id) is None
    await end(graph, await claimed(graph))
    last = await inbox.last_told(graph, "payments", wanted.id) or {}
    assert (last["state"], last["n"]) == ("granted", 1)


async def test_a_command_that_was_cancelled_too_late_is_what_its_intent_comes_to(graph: Graph) -> None:
    """Something was written for it: it goes on to its outcome, and nobody may undo that for an older command's sake."""
    older, newer = command("revoke"), command("grant")
    await inbox.accept(graph, arrived(older))
    await end(graph, await claimed(graph), "revoked")
    await inbox.accept(graph, arrived(newer))
    held = await claimed(graph)
    await operations_view.cancel(graph, newer.id, "bob")
    await end(graph, held, "granted")
    newest = await operations.newest(graph, held.intent)
    assert newest is not None and newest.id == newer.id


async def test_one_id_with_two_intents_at_once_is_one_command(graph: Graph) -> None:
    """Each intent has its own lock, so nothing but the row itself keeps them apart."""
    first = command(group="a")
    other = command(group="b", id=first.id)
    said = await asyncio.gather(*(inbox.accept(graph, arrived(each)) for each in (first, other)))
    assert sorted(said) == ["accepted", "id_reused"]
    assert sorted(await told(graph, first.id)) == ["accepted", "refused"]


async def taken_in(graph: Graph, wanted: AccessCommand, sequence: int | None = None) -> Claimed | None:
    said, claimed = await inbox.accept_and_claim(graph, arrived(wanted, sequence), SECONDS)
    assert said in ("accepted", "superseded")
    return claimed


async def test_what_nothing_stands_before_is_the_engines_as_it_comes_in(graph: Graph) -> None:
    wanted = command()
    taken = await taken_in(graph, wanted)
    assert taken is not None and taken.newest is not None
    assert (taken.operation.id, taken.newest.id, taken.more) == (wanted.id, wanted.id, False)
    assert await operations.claim(graph, SECONDS) is None
    await operations.checkpoint(graph, taken.operation, SECONDS)
    await end(graph, taken.operation)
    assert await told(graph, wanted.id) == ["accepted", "granted"]


@pytest.mark.parametrize("before", ["waits", "held", "parked", "a dry run"])
async def test_what_something_stands_before_waits_for_its_turn(graph: Graph, before: str) -> None:
    first, second = command(group="a", dry_run=before == "a dry run"), command(group="b")
    await inbox.accept(graph, arrived(first))
    if before in ("held", "parked"):
        held = await claimed(graph)
        if before == "parked":
            await operations.park(graph, held, WHY, 600.0)
    taken = await taken_in(graph, second)
    assert (taken is not None) == (before in ("parked", "a dry run"))
    assert await told(graph, second.id) == ["accepted"]


async def test_a_dry_run_is_taken_at_once_whatever_is_held(graph: Graph) -> None:
    await inbox.accept(graph, arrived(command()))
    await claimed(graph)
    assert await taken_in(graph, command(group="other", dry_run=True)) is not None


@pytest.mark.parametrize("place", ["older", "newer"])
async def test_what_concerns_another_of_its_intent_is_not_taken_at_once(graph: Graph, place: str) -> None:
    await inbox.accept(graph, arrived(command(), 1_000))
    assert await taken_in(graph, command("revoke"), 999 if place == "older" else 1_001) is None


async def test_of_many_that_come_at_once_one_is_taken_and_none_is_lost(graph: Graph) -> None:
    """They share a resource, and each has an intent of its own."""
    wanted = [command(group=f"g{n}") for n in range(8)]
    taken = [each for each in await asyncio.gather(*(taken_in(graph, each) for each in wanted)) if each is not None]
    assert len(taken) <= 1
    assert sorted(await told(graph)) == ["accepted"] * 8
    for each in [each.operation for each in taken]:
        await end(graph, each)
    for _ in wanted[len(taken) :]:
        await end(graph, await claimed(graph))
    assert await operations.claim(graph, SECONDS) is None


async def test_a_claim_says_whether_more_is_due(graph: Graph) -> None:
    for user in ("ann", "eve"):
        await inbox.accept(graph, arrived(command(user=user)))
    first = await operations.claim(graph, SECONDS)
    second = await operations.claim(graph, SECONDS)
    assert first is not None and second is not None
    assert (first.more, second.more) == (True, False)
    assert first.newest is not None and first.newest.id == first.operation.id


@pytest.mark.parametrize(
    ("other", "news"),
    [(None, "later"), (command("grant", group="ops"), ""), (command("grant", user="bob"), "later")],
    ids=["nothing", "of the same principal", "of another principal"],
)
async def test_an_end_tells_engines_whether_somebody_waits_for_the_resource(
    graph: Graph, other: AccessCommand | None, news: str
) -> None:
    await inbox.accept(graph, arrived(command()))
    first = await claimed(graph)
    if other is not None:
        await inbox.accept(graph, arrived(other.model_copy(update={"id": uuid4()})))
    heard: asyncio.Queue[str] = asyncio.Queue()

    def notice(*said: Any) -> None:
        heard.put_nowait(said[3])

    async with graph.connection() as connection:
        await connection.add_listener("grantwire_operation", notice)
        await end(graph, first)
        assert await asyncio.wait_for(heard.get(), 30) == news
        await connection.remove_listener("grantwire_operation", notice)
