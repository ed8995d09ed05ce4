"""How long this process has been running: "seconds" of a summary count the interpreter's start and the imports too."""

import os
import time
from pathlib import Path


def process_age() -> float:
    """Seconds since the process was started; 0.0 where the system does not say."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc(5), in ticks since boot
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0
