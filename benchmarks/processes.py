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
    fields = _stat(parent)
    total = sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICKS
    return total + sum(_cpu(child) for child in children_of(parent))


def children_of(parent: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if parent_of(int(path.name)) == parent:
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sorted(found)


def own_memory(process: int) -> int:
    """Bytes of memory that a process shares with no file and no other process; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    kilobytes = next((line.split()[1] for line in lines if line.startswith("RssAnon:")), "0")
    return int(kilobytes) * 1024


def idle_of_machine() -> float:
    """Seconds that cores had nothing to do so far, all of them together."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / _TICKS


def parent_of(process: int) -> int:
    """The process that started another."""
    return int(_stat(process)[1])


def _cpu(process: int) -> float:
    try:
        return usage(process).cpu
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _stat(process: int) -> list[str]:
    """The fields of proc_pid_stat(5), from the third on; the second may contain anything."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
