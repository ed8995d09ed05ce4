"""What time is it? Asked here alone, so that the client needs nothing of the services' telemetry."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  telemetry's clock would bring the SDK along
