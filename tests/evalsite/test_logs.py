"""What the logs say of a fault, and what they never say."""

from __future__ import annotations

import json
import logging
import logging.config
from typing import Any

import pytest

from evalsite import logs

SECRET = "four words nobody guesses"


def fail(password: str) -> None:
    token = password.upper()
    raise OSError("disk full") from ValueError(len(token))


def line_of_a_fault(json_lines: bool) -> str:
    """One log line with a traceback, as the configured formatter writes it."""
    configuration: dict[str, Any] = logs.configure(json_lines=json_lines, level="INFO")
    formatter = logging.config.DictConfigurator(configuration).configure_formatter(
        configuration["formatters"]["lines"]
    )
    try:
        fail(SECRET)
    except OSError:
        record = logging.getLogger("test").makeRecord(
            "test", logging.ERROR, __file__, 1, "it failed", (), __import__("sys").exc_info()
        )
    line: str = formatter.format(record)
    return line


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_fault_is_logged_with_its_traceback_and_without_its_secrets(json_lines: bool) -> None:
    line = line_of_a_fault(json_lines)
    assert "disk full" in line
    assert "test_logs.py" in line
    assert "in fail" in line
    assert SECRET not in line
    assert SECRET.upper() not in line


def test_json_lines_are_json() -> None:
    parsed = json.loads(line_of_a_fault(json_lines=True))
    assert parsed["event"] == "it failed"
    assert parsed["level"] == "error"
    assert parsed["exception"].startswith("ValueError")
