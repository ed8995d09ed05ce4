"""Everything that any logger says, whatever level was set."""

import logging
from collections.abc import Iterator

import pytest


class Everything(logging.Handler):
    """What any logger says, formatted with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def said() -> Iterator[Everything]:
    """Every logger at DEBUG, also those that the telemetry set-up of another test has quieted."""
    handler, root = Everything(), logging.getLogger()
    names = [
        "httpx",
        *(name for name in logging.Logger.manager.loggerDict if name.startswith(("httpcore", "grantwire"))),
    ]
    loggers = [root, *map(logging.getLogger, names)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
