"""How often a scope is read, where that is not simply the interval of its connector. Pure."""

from datetime import timedelta
from typing import Final

from grantwire.contracts.ids import permission_sets_scope

PERMISSION_SETS_EVERY: Final = timedelta(hours=6)  # six calls for each set, of a rate that everything else shares
_PERMISSION_SETS: Final = permission_sets_scope("")


def reading_interval(scope: str, interval: timedelta) -> timedelta:
    """From one reading of the scope to the next, for a connector that runs every ``interval``.

    Permission sets change seldom and their details cost most of a sync: they are read every six hours, when somebody
    asks for a sync, and as soon as an account has one that is not known.
    """
    return max(interval, PERMISSION_SETS_EVERY) if scope.startswith(_PERMISSION_SETS) else interval
