"""Statements of the call budgets. ``$1`` is the tenant, ``$2`` the key, ``$3`` the ceiling in calls a second."""

from typing import Final

# The rate now: what the last throttle left of it, recovered since by a hundredth of the ceiling each second.
_RATE: Final = (
    "least($3::float8, b.rate + $3::float8 * 0.01 * "
    "greatest(0, extract(epoch FROM clock_timestamp() - b.slowed_at)::float8))"
)

# Reserve $4 send times in a row; says the rate, and in how many seconds the first one is. After a rest, $5 seconds'
# worth of them lie in the past: they may go at once. A line that an old ceiling drove far ahead is not waited for.
LEASE: Final = f"""
INSERT INTO rate_budget AS b (tenant_id, key, rate, next_at, slowed_at)
VALUES ($1, $2, $3::float8, clock_timestamp() - make_interval(secs => $5) + make_interval(secs => $4 / $3::float8),
        clock_timestamp())
ON CONFLICT (tenant_id, key) DO UPDATE SET
    next_at = greatest(least(b.next_at, clock_timestamp() + interval '1 minute'),
                       clock_timestamp() - make_interval(secs => $5)) + make_interval(secs => $4 / {_RATE})
RETURNING {_RATE} AS rate,
          extract(epoch FROM b.next_at - clock_timestamp())::float8 - $4 / {_RATE} AS first_in"""

# A fifth less, at most once a second: one overrun is answered by many throttles at a time. $4 is the least rate.
SLOW: Final = f"""
INSERT INTO rate_budget AS b (tenant_id, key, rate, next_at, slowed_at)
VALUES ($1, $2, greatest($4::float8, $3::float8 * 0.8), clock_timestamp(), clock_timestamp())
ON CONFLICT (tenant_id, key) DO UPDATE SET
    rate = greatest($4::float8, 0.8 * {_RATE}),
    next_at = greatest(b.next_at, clock_timestamp()), slowed_at = clock_timestamp()
WHERE b.slowed_at < clock_timestamp() - interval '1 second' OR b.rate > $3::float8 * 0.99
RETURNING rate"""
