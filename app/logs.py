"""Logs: structured, as JSON lines unless a person watches. They hold no personal data."""

import logging
import sys
from typing import Any

import orjson
import structlog


def configure_logs(level: str) -> None:
    """Send our log, and those of the libraries, to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    for_people = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Ours are written as bytes; those of the libraries pass through logging, which takes text.
    as_json = structlog.processors.JSONRenderer(serializer=orjson.dumps)
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer()
    factory: Any = structlog.WriteLoggerFactory(file=sys.stderr)
    if not for_people:
        renderer = structlog.processors.JSONRenderer()
        factory = structlog.BytesLoggerFactory(file=sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, renderer if for_people else as_json],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
