"""What is logged, as a process writes it to standard error."""

import json
import subprocess
import sys

WRITER = """
import logging, sys
import structlog
from app.logs import configure_logs
configure_logs(sys.argv[1])
log = structlog.get_logger("abokonto.test")
log.debug("detail")
log.info("request", status=200, tenant=1)
log.error("fault", id="abc")
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("trouble with %s", "ä")
"""


def _logged(level: str) -> list[dict[str, object]]:
    written = subprocess.run(
        [sys.executable, "-c", WRITER, level], check=True, capture_output=True, text=True
    )
    assert written.stdout == ""
    return [json.loads(line) for line in written.stderr.splitlines()]


def test_each_entry_is_a_line_of_json_where_nobody_watches() -> None:
    lines = _logged("info")
    assert all(str(line.pop("timestamp")).endswith("Z") for line in lines)
    assert lines == [
        {"event": "request", "level": "info", "status": 200, "tenant": 1},
        {"event": "fault", "level": "error", "id": "abc"},
        {"event": "trouble with ä", "level": "warning"},
    ]


def test_the_level_decides_what_is_written_and_libraries_say_only_what_troubles_them() -> None:
    assert [line["event"] for line in _logged("debug")] == [
        "detail",
        "request",
        "fault",
        "trouble with ä",
    ]
    assert [line["event"] for line in _logged("error")] == ["fault"]
