"""Deleting customers of whom there is nothing that the law or a contract wants kept."""

from typing import Any

import strawberry
from sqlalchemy import ColumnElement, exists, func, select, text

from app.auth.permissions import Permission
from app.errors import UserErrorCode
from app.models import Base, Customer, erasure
from app.work.action import action
from app.work.inputs import OfCustomer
from app.work.preconditions import Columns, Precondition
from app.work.traces import forget_keys
from app.work.unit import Work

_REMOVE = text("SELECT abokonto.remove_customer(:customer)")


def _nothing_in(table: str, what: str) -> Precondition:
    rows = Base.metadata.tables[table].alias()

    def of(t: Columns) -> Any:
        return (rows.c.tenant_id == t.tenant_id, rows.c.customer_id == t.id)

    def holds(t: Columns) -> ColumnElement[bool]:
        return ~exists().where(*of(t)).correlate_except(rows)

    def count(t: Columns) -> ColumnElement[int]:
        counted = select(func.count()).select_from(rows).where(*of(t))
        return counted.correlate_except(rows).scalar_subquery()

    return Precondition(
        UserErrorCode.HAS_TRANSACTION_DATA, f"There are {what} in this account.", holds, count
    )


NO_TRANSACTION_DATA = tuple(
    _nothing_in(table, what) for table, what in erasure.TRANSACTION_DATA.items()
)
"""Nothing that has to be kept; asked kind by kind, so that all of it is told at once."""


@strawberry.input(description="A customer to delete for good.")
class DeleteCustomerInput(OfCustomer):
    """Which customer."""


@action(
    history="customer.deleted",
    needs=Permission.CUSTOMER_DELETE,
    requires=NO_TRANSACTION_DATA,
    diary=False,
    shows={"deleted_customer_id": "The id that the customer had."},
)
async def delete_customer(work: Work, input: DeleteCustomerInput) -> Customer:
    """Delete a customer and all that the account holds, files included, for good. Only the history
    keeps that an account with this key was deleted, when and by whom.
    """
    customer = await work.account(input.customer_id)
    await forget_keys(work, customer)
    # The files' objects are removed from the store once this has committed: app/work/sweep.py.
    await work.session.execute(_REMOVE, {"customer": customer.id})
    work.forget(gone=True)
    work.show("deleted_customer_id", str(input.customer_id))
    return customer
