"""Telling of changes: the tables whose rows can be followed notify whoever follows one.

The triggers are made anew after each migration, so this file is the whole truth, and a table that
is to be followed is a name in it.
"""

from sqlalchemy import Connection, text

FOLLOWED = ("customer_merge", "data_export")
"""The tables that tell of changes."""

# It says which row changed and nothing of it, because whoever may connect can listen. What is told
# twice in a transaction comes once, after it has committed.
_FUNCTION = """
    CREATE OR REPLACE FUNCTION abokonto.tell_of_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = '' AS $body$
    BEGIN
        PERFORM pg_catalog.pg_notify(
            'abokonto_changes', pg_catalog.concat_ws(' ', OLD.tenant_id, TG_TABLE_NAME, OLD.id)
        );
        RETURN NULL;
    END
    $body$
"""


def install(connection: Connection) -> None:
    """Have the tables tell of changes."""
    connection.execute(text(_FUNCTION))
    for table in FOLLOWED:
        connection.execute(
            text(
                f"CREATE OR REPLACE TRIGGER tell_of_change AFTER UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION abokonto.tell_of_change()"
            )
        )
