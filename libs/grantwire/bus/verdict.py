"""What to do about a handler's exception. Pure but for the jitter."""

from dataclasses import dataclass

from grantwire.bus.backoff import delay
from grantwire.contracts.failures import GrantwireError, Transient
from grantwire.telemetry import mask_text


@dataclass(frozen=True, slots=True)
class Again:
    """Deliver it again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No retry can help: a copy goes to the dead letters at once."""


def judge(error: Exception, attempt: int, base: float) -> Again | GiveUp:
    """Only our own errors are known to be final; what surprises us may pass, so it is tried again."""
    if isinstance(error, Transient):
        return Again(delay(attempt, base=base, least=error.delay))
    return GiveUp() if isinstance(error, GrantwireError) else Again(delay(attempt, base=base))


def explained(error: Exception) -> str:
    """The reason a person reads: our own sentence, or what kind of surprise it was."""
    return str(error) if isinstance(error, GrantwireError) else f"{type(error).__name__}: {mask_text(str(error))}"
