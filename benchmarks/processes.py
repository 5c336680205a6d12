"""What processes use, as Linux tells it."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU so far, and bytes of memory now."""

    cpu: float
    memory: int


def usage(process: int) -> Usage:
    """What a process itself uses, all its threads together."""
    fields = _stat(process)
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE)


def cpu_of_family(parent: int) -> float:
    """Seconds of CPU of a process, of those it started, and of those it has buried."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = _stat(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(path.name) == parent:
            total += sum(int(fields[place]) for place in (11, 12, 13, 14))
        elif int(fields[1]) == parent:
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def parent_of(process: int) -> int:
    """The process that started another."""
    return int(_stat(process)[1])


def _stat(process: int) -> list[str]:
    """The fields of proc_pid_stat(5), from the third on; the second may contain anything."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
