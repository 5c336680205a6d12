"""The rules that a tenant sets itself, which its administrators change and operators as well."""

from collections.abc import Iterator, Mapping

from app.models.tenant import KEPT

HISTORY = "tenant.rules_changed"
"""What the tenant's history calls it, whoever it was."""


def problems(values: Mapping[str, int | bool]) -> Iterator[tuple[str, str]]:
    """What of new rules can't be, by the names of their columns."""
    for name, (least, most) in KEPT.items():
        if name in values and not least <= values[name] <= most:
            unit = name.rpartition("_")[2]
            yield name, f"This is between {least} and {most:,} {unit}."
