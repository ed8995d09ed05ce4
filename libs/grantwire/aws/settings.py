"""How patient and how parallel AWS calls are. Values; whoever starts the process fills them in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Timeouts in seconds. ``attempts`` counts the first try. ``region`` overrides the one AWS's own variables give."""

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int = 3
    concurrency: int = 8
    region: str | None = None
