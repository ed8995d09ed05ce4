"""The scheduler on a real database and real streams: alone, two at once, and dying at any point."""

import asyncio
import random
from datetime import timedelta

import pytest

from grantwire.contracts import subjects
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import JOBS
from grantwire.graph import Graph, connectors, runs
from grantwire.graph.dispatch import WINDOW
from grantwire.graph.runs import RunView
from grantwire.scheduler.handlers import Scheduler
from grantwire.telemetry import utc_now
from tests.integration.graph.organizations import DEV, ID, LONE, OWN, PROD, SCOPE
from tests.integration.graph.scenes import fetch, value
from tests.integration.scheduler.stage import Stage

ALL = {OWN, DEV, PROD, LONE}


async def make_due(graph: Graph) -> None:
    """The newest run of every connector began longer ago than its interval."""
    await fetch(graph, "UPDATE run SET requested_at = requested_at - interval '1 hour'")


async def finish(stage: Stage, run: str, *schedulers: Scheduler) -> RunView:
    """Turns of all schedulers at once, and work in between, until the run has ended."""
    for _ in range(50):
        await asyncio.gather(*(scheduler.turn() for scheduler in schedulers))
        await stage.work()
        view = await runs.get(stage.graph, run)
        if view.finished_at is not None:
            return view
    raise AssertionError(f"run {run} did not end: {view}")


async def test_an_organization_first_then_its_accounts(stage: Stage) -> None:
    await stage.fleet.put()
    run = await stage.fleet.request()
    async with stage.scheduler() as scheduler:
        assert await scheduler.turn() == 1
        (job,) = (await stage.jobs()).values()
        assert (job.source, job.scope, job.account, job.organization) == ("organization", SCOPE, OWN, ID)
        assert await scheduler.turn() == 0, "nothing is decided before the organization was read"
        await stage.work()
        assert await scheduler.turn() == 4, "expanded and published in one turn"
        jobs = await stage.jobs()
        assert {(job.account, job.organization) for job in jobs.values()} == {(account, ID) for account in ALL}
        assert (await finish(stage, run, scheduler)).state == "complete"


async def test_a_due_connector_is_asked_once_by_two_schedulers(stage: Stage) -> None:
    for number in range(5):
        await stage.add(f"c{number}", f"{number}" * 12)
        await runs.request(stage.graph, f"c{number}", cause="manual", traceparent=None)
    await fetch(stage.graph, "UPDATE run_scope SET state = 'complete', finished_at = now()")
    async with stage.scheduler() as one, stage.scheduler() as two:
        await asyncio.gather(*(each.turn() for each in (one, two) * 3))
        assert await value(stage.graph, "SELECT count(*) FROM run") == 5, "none is due yet"
        await make_due(stage.graph)
        await asyncio.gather(*(each.turn() for each in (one, two) * 3))
    counts = await fetch(stage.graph, "SELECT connector, count(*) AS n FROM run WHERE cause = 'interval' GROUP BY 1")
    assert {row["connector"]: row["n"] for row in counts} == {f"c{number}": 1 for number in range(5)}
    assert len(await stage.jobs()) == 5


async def test_two_schedulers_publish_every_job_of_a_run_once(stage: Stage) -> None:
    await stage.fleet.put()
    run = await stage.fleet.request()
    async with stage.scheduler() as one, stage.scheduler() as two:
        view = await finish(stage, run, one, two, one, two)
    assert (view.state, view.parts) == ("complete", {"complete": 5})
    assert set(stage.taken.values()) == {1} and len(stage.taken) == 5


@pytest.mark.parametrize("seed", range(3))
async def test_a_scheduler_that_dies_anywhere_loses_and_doubles_nothing(stage: Stage, seed: int) -> None:
    """Each turn is cut off at a drawn moment, as by a kill: what it had not committed is undone, what it sent stays."""
    rng = random.Random(seed)
    await stage.fleet.put()
    first = await stage.fleet.request()
    async with stage.scheduler() as one, stage.scheduler() as two:
        for _ in range(30):
            turns = [asyncio.create_task(scheduler.turn()) for scheduler in (one, two)]
            _, cut = await asyncio.wait(turns, timeout=rng.uniform(0.0, 0.06))
            for task in cut:
                task.cancel()
            await asyncio.gather(*turns, return_exceptions=True)
            await stage.work()
        assert (await finish(stage, first, one)).state == "complete"
        await make_due(stage.graph)
        await asyncio.gather(one.turn(), two.turn())
        second = await value(stage.graph, "SELECT id::text FROM run WHERE cause = 'interval'")
        assert (await finish(stage, second, one, two)).state == "complete"
    assert len(stage.taken) == 10 and set(stage.taken.values()) == {1}
    assert await value(stage.graph, "SELECT count(*) FROM run") == 2


async def test_a_large_connector_does_not_hold_up_a_small_one(stage: Stage) -> None:
    await stage.add("large", OWN)
    large = await runs.request(stage.graph, "large", cause="manual", traceparent=None)
    await fetch(
        stage.graph,
        """WITH accounts AS (SELECT (500000000000 + n)::text AS id FROM generate_series(1, 2000) n),
           made AS (INSERT INTO scope (tenant_id, key, connector, source, account)
                    SELECT 1, 'iam/' || id, 'large', 'iam', id FROM accounts)
           INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at)
           SELECT 1, $1, 'iam/' || id, 'large', 1, now() FROM accounts""",
        (await runs.get(stage.graph, large)).run,
    )
    async with stage.scheduler() as scheduler:
        assert await scheduler.turn() == WINDOW
        await stage.add("small", DEV)
        small = await runs.request(stage.graph, "small", cause="manual", traceparent=None)
        assert await scheduler.turn() == 1, "the large one has its share"
        assert (await runs.get(stage.graph, small)).state == "running"
        assert await stage.work() == WINDOW + 1
        assert (await runs.get(stage.graph, small)).state == "complete"
        assert await scheduler.turn() == WINDOW


async def test_connectors_take_turns(stage: Stage) -> None:
    await stage.fleet.put()
    run = await stage.fleet.request()
    async with stage.scheduler() as scheduler:
        await scheduler.turn()
        await stage.work()
        await stage.add("dev", "555555555555")
        await runs.request(stage.graph, "dev", cause="manual", traceparent=None)
        await stage.fleet.expand(run)
        waiting = [job.connector for job in await runs.pending(stage.graph)]
        assert waiting[:2] in (["org", "dev"], ["dev", "org"]) and waiting[2:] == ["org"] * 3
        assert len(await runs.pending(stage.graph, window=2)) == 3


async def stuck(stage: Stage) -> CollectScope:
    """A job that nobody will ever finish lies in the way of the one that a run waits for."""
    await stage.add("dev", DEV)
    old = await runs.request(stage.graph, "dev", cause="manual", traceparent=None)
    job = CollectScope(run=old, connector="dev", settings_version=1, source="iam", scope=f"iam/{DEV}", account=DEV)
    await stage.client.jetstream().publish(subjects.job("iam", "dev", job.scope), job.encode(), stream=JOBS.name)
    await runs.published(stage.graph, old, job.scope)
    return job


async def refuse_since(graph: Graph, ago: str) -> None:
    since = "jsonb_build_object('since', clock_timestamp() - $1::text::interval)"
    await fetch(graph, f"UPDATE run_scope SET reason = reason || {since} WHERE state = 'requested'", ago)


async def test_a_busy_scope_waits_and_says_so(stage: Stage) -> None:
    old = await stuck(stage)
    run = await runs.request(stage.graph, "dev", cause="manual", traceparent=None)
    async with stage.scheduler() as scheduler:
        for _ in range(3):
            assert await scheduler.turn() == 0
        (part,) = (await runs.get(stage.graph, run)).scopes
        assert part.state == "requested" and part.reason is not None and part.reason.code == "busy"
        (wanted,) = await runs.pending(stage.graph)
        assert wanted.refused_since is not None and timedelta() < wanted.waited < timedelta(minutes=1)
        await refuse_since(stage.graph, "29 minutes")
        assert await scheduler.turn() == 0
        assert (await stage.jobs()).keys() == {subjects.job("iam", "dev", old.scope)}
        await stage.client.jetstream().purge_stream(JOBS.name)
        assert await scheduler.turn() == 1
        (part,) = (await runs.get(stage.graph, run)).scopes
        assert (part.state, part.reason) == ("published", None)


async def test_a_scope_refused_for_two_intervals_is_alarmed_and_its_subject_purged_once(stage: Stage) -> None:
    old = await stuck(stage)
    run = await runs.request(stage.graph, "dev", cause="manual", traceparent=None)
    async with stage.scheduler() as one, stage.scheduler() as two:
        await one.turn()
        await refuse_since(stage.graph, "31 minutes")
        await asyncio.gather(*(each.turn() for each in (one, two) * 3))
        await one.turn()
        (job,) = (await stage.jobs()).values()
        assert job.run == run, "the new job has taken the place of the old one"
    ended = await runs.get(stage.graph, old.run)
    assert ended.state == "failed" and ended.scopes[0].reason and ended.scopes[0].reason.code == "cleared"
    log = [line for line in (await connectors.get(stage.graph, "dev")).log if line.level == "error"]
    assert len(log) == 1 and old.scope in log[0].text and "Is a collector running" in log[0].text


async def test_a_short_interval_leaves_time_to_read(stage: Stage) -> None:
    await stuck(stage)
    await fetch(stage.graph, """UPDATE connector SET settings = settings || '{"interval": "PT1S"}'""")
    run = await runs.request(stage.graph, "dev", cause="manual", traceparent=None)
    async with stage.scheduler() as scheduler, stage.scheduler(patience=timedelta()) as hasty:
        await scheduler.turn()
        await refuse_since(stage.graph, "9 minutes")
        await scheduler.turn()
        assert run not in {job.run for job in (await stage.jobs()).values()}
        await hasty.turn()
        assert await hasty.turn() == 1


async def test_what_was_retired_a_month_ago_is_swept_away(stage: Stage) -> None:
    await stage.fleet.put()
    await stage.fleet.sync()
    await connectors.remove(stage.graph, "org")
    await fetch(stage.graph, "UPDATE scope SET retired_at = now() - interval '31 days' WHERE key <> $1", f"iam/{DEV}")
    async with stage.scheduler() as one, stage.scheduler() as two:
        await asyncio.gather(one.sweep(), two.sweep())
    left = await fetch(stage.graph, "SELECT key FROM scope")
    assert [row["key"] for row in left] == [f"iam/{DEV}"]
    assert await value(stage.graph, "SELECT count(*) FROM node") == 1


async def test_a_job_lost_with_its_stream_blocks_no_window(stage: Stage) -> None:
    await stage.fleet.put()
    run = await stage.fleet.request()
    async with stage.scheduler() as scheduler:
        await scheduler.turn()
        await stage.client.jetstream().purge_stream(JOBS.name)
        again = await stage.fleet.request()
        assert len(await runs.pending(stage.graph, window=1)) == 0
        await fetch(
            stage.graph, "UPDATE run_scope SET published_at = now() - interval '16 minutes' WHERE run = $1", run
        )
        assert [job.run for job in await runs.pending(stage.graph, window=1)] == [again]
    assert (await runs.timetable(stage.graph, utc_now()))[0].running
