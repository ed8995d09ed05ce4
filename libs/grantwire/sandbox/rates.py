"""How many calls of a service an account may make in a second: AWS's token buckets, one per service and account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Identity Center and its directory can be limited by one bucket for both, and for all accounts, as AWS limits them.
_TOGETHER = {"sso-admin": "identity-center", "identitystore": "identity-center"}


@dataclass(frozen=True)
class Limit:
    """So many calls a second in the long run, and at most `burst` at once after a rest."""

    per_second: float
    burst: float

    @classmethod
    def read(cls, given: dict[str, Any]) -> Limit:
        """A limit as posted; the burst of one that names none is a second's worth. Raises `ValueError`."""
        per_second = float(given["per_second"])
        limit = cls(per_second, float(given.get("burst", max(1.0, per_second))))
        if limit.per_second <= 0 or limit.burst < 1:
            raise ValueError("per_second must be more than 0 and burst at least 1")
        return limit


@dataclass
class Bucket:
    """What is left of a limit for one account, and how often it was enough."""

    tokens: float
    at: float
    allowed: int = 0
    throttled: int = 0

    def take(self, limit: Limit, now: float) -> bool:
        """Whether one more call is allowed."""
        self.tokens = min(limit.burst, self.tokens + max(0.0, now - self.at) * limit.per_second)
        self.at = now
        enough = self.tokens >= 1
        self.tokens -= enough
        self.allowed, self.throttled = self.allowed + enough, self.throttled + (not enough)
        return enough


class Rates:
    """The limits in force, by service."""

    def __init__(self, given: dict[str, float] | None = None) -> None:
        self.limits = {service: Limit.read({"per_second": wanted}) for service, wanted in (given or {}).items()}
        self.buckets: dict[tuple[str, str], Bucket] = {}

    def put(self, given: dict[str, Any]) -> None:
        """Set the limit of a service, its buckets full again."""
        self.limits[str(given["service"])] = Limit.read(given)
        self.buckets = {key: bucket for key, bucket in self.buckets.items() if key[0] != given["service"]}

    def clear(self) -> None:
        """No limits."""
        self.limits.clear()
        self.buckets.clear()

    def take(self, service: str, account: str, now: float) -> bool:
        """Whether an account may call a service once more."""
        together = _TOGETHER.get(service)
        if together is not None and not self._take(together, "all", now):
            return False
        return self._take(service, account, now)

    def _take(self, service: str, account: str, now: float) -> bool:
        limit = self.limits.get(service)
        if limit is None:
            return True
        return self.buckets.setdefault((service, account), Bucket(limit.burst, now)).take(limit, now)

    def shown(self) -> list[dict[str, Any]]:
        """The limits and what became of the calls under them, by account."""
        return [
            {"service": service, "per_second": limit.per_second, "burst": limit.burst}
            | {"accounts": {key[1]: _counts(each) for key, each in self.buckets.items() if key[0] == service}}
            for service, limit in self.limits.items()
        ]


def _counts(bucket: Bucket) -> dict[str, int]:
    return {"allowed": bucket.allowed, "throttled": bucket.throttled}
