"""What becomes of a duplicate's rows is said for every table, and for what may be there once."""

from sqlalchemy import Index, Table, UniqueConstraint

from app.models import Base, merging


def once_in_an_account(table: Table) -> set[str]:
    """The constraints by which an account can hold a thing only once."""
    unique: list[UniqueConstraint | Index] = [
        *(one for one in table.constraints if isinstance(one, UniqueConstraint)),
        *(one for one in table.indexes if isinstance(one, Index) and one.unique),
    ]
    return {str(one.name) for one in unique if "customer_id" in one.columns}


def test_every_table_of_customers_moves_or_says_why_not() -> None:
    naming = {table.name for table in Base.metadata.sorted_tables if "customer_id" in table.columns}
    exceptions = {*merging.ENDS, *merging.OTHERWISE}
    assert {*merging.moved()} | exceptions == naming
    assert exceptions <= naming
    assert merging.BECOME_ONE.keys() <= {*merging.moved()}


def test_whatever_names_a_customer_does_so_by_the_same_column() -> None:
    links = {column for _, column in merging.pointing_at("customer")}
    assert links == {"customer_id"}


def test_what_can_be_there_once_says_what_becomes_of_two() -> None:
    tables = (Base.metadata.tables[name] for name in merging.moved())
    assert set().union(*map(once_in_an_account, tables)) == merging.UNIQUE.keys()


def test_tables_keyed_by_the_customer_do_not_simply_move() -> None:
    keyed = {
        table.name for table in Base.metadata.sorted_tables if "customer_id" in table.primary_key
    }
    assert keyed <= {*merging.ENDS, *merging.OTHERWISE}


def test_addresses_are_compared_by_all_that_they_say() -> None:
    said = merging.same_address()
    for column in Base.metadata.tables["address"].columns:
        technical = column.name in {
            "tenant_id",
            "id",
            "customer_id",
            "preferred",
            "version",
            "created_at",
            "changed_at",
            "actor_kind",
            "actor_id",
            "actor_name",
        }
        assert (f"mine.{column.name}" in said) != technical, column.name
