"""The facts of a reading are the truth: every id, attribute and relation, whatever the pages look like."""

import pytest

from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import exported, read, truth

PLANS = ("bulk", "minimum")


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_facts_are_the_truth_however_the_pages_are_cut(
    seed: int, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(seed, short=0.6, empty=0.3) as sandbox:
        use(sandbox, monkeypatch)
        reading = await read(sandbox, plan)
        found, wanted = exported(reading.facts()), truth(sandbox, plan)
        assert found - wanted == set()
        assert wanted - found == set()
        assert reading.plan == plan
        assert sorted(note.what for note in reading.unread) == sandbox.unread(plan)
        assert sandbox.violations() == []


async def test_every_reading_gives_the_same_rows(sandbox: Sandbox) -> None:
    first, second = await read(sandbox), await read(sandbox)
    assert exported(first.facts()) == exported(second.facts())
