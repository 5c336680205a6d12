"""All personal columns, for export and erasure to walk."""

from sqlalchemy import Column

from app.models import Base


def personal_columns(*, retained: bool | None = None) -> tuple[Column[object], ...]:
    """Every column that is declared personal, table by table.

    Erasure walks those with `retained=False` at once, and the others when the law no longer
    asks for them; without `retained` all are given, as export wants them. Generated columns are
    among them: they follow the columns that they are made of.
    """
    return tuple(
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.info.get("personal") and retained in (None, column.info["retained"])
    )
