"""Token buckets: a burst, then so many a second, and each account by itself."""

from __future__ import annotations

from typing import Any

import pytest

from grantwire.sandbox.rates import Rates


def test_a_burst_and_then_the_rate() -> None:
    rates = Rates({"iam": 16})
    assert sum(rates.take("iam", "1", 0.0) for _ in range(50)) == 16
    assert sum(rates.take("iam", "1", tick / 64) for tick in range(1, 65)) == 16
    assert rates.take("iam", "2", 0.0)
    assert rates.take("sts", "1", 0.0)
    (shown,) = rates.shown()
    assert shown["accounts"] == {"1": {"allowed": 32, "throttled": 82}, "2": {"allowed": 1, "throttled": 0}}


def test_a_clock_that_goes_back_gives_nothing() -> None:
    rates = Rates()
    rates.put({"service": "iam", "per_second": 1, "burst": 1})
    assert rates.take("iam", "1", 10.0)
    assert not rates.take("iam", "1", 5.0)
    rates.clear()
    assert rates.take("iam", "1", 5.0)


@pytest.mark.parametrize(
    "given", [{"per_second": 0}, {"per_second": 1, "burst": 0.5}, {"per_second": "many"}], ids=repr
)
def test_a_limit_that_lets_nothing_pass_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"per_second|float"):
        Rates().put({"service": "iam"} | given)
