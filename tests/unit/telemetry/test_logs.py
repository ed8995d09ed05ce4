"""A log line is one JSON object with its trace and without secrets, whoever wrote it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from grantwire.telemetry import setup, span
from grantwire.telemetry.logs import LogFormat

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capture: Capture) -> list[dict[str, Any]]:
    captured = capture.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_both_kinds_of_logger_write_one_json_object_per_line(capsys: Capture) -> None:
    setup("relay")
    structlog.get_logger("ours").info("published", rows=3)
    logging.getLogger("theirs").warning("slow %s", "disk")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["rows"], ours["level"], ours["service"]) == ("published", 3, "info", "relay")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("slow disk", "theirs", "warning")
    assert ours["time"].endswith("Z")


def test_a_line_names_the_span_it_was_written_in_and_that_span_s_service(capsys: Capture) -> None:
    telemetry = setup("up", exporter=InMemorySpanExporter())
    with span("projector", "apply") as current:
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    telemetry.shutdown()
    inside, outside = lines(capsys)
    assert inside["trace_id"] == f"{current.get_span_context().trace_id:032x}"
    assert inside["span_id"] == f"{current.get_span_context().span_id:016x}"
    assert inside["service"] == "projector"
    assert "trace_id" not in outside
    assert outside["service"] == "up"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_are_masked_in_fields_text_and_tracebacks(capsys: Capture, log_format: LogFormat) -> None:
    setup("api", log_format=log_format)
    log = structlog.get_logger()
    log.info("connecting to nats://u:hunter2@h", scim_token="hunter2", nested={"externalId": "hunter2"})
    logging.getLogger("theirs").info("to %s", "postgresql://u:hunter2@h/db")
    try:
        raise RuntimeError("password=hunter2")
    except RuntimeError:
        log.exception("failed")
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert said.count("***") == 6  # the traceback quotes the line and the message


def test_setting_up_twice_does_not_say_everything_twice(capsys: Capture) -> None:
    setup("api")
    setup("api", level="warning")
    logging.getLogger("theirs").warning("once")
    logging.getLogger("theirs").info("too quiet")
    assert [line["event"] for line in lines(capsys)] == ["once"]
