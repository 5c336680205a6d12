"""Copies of all that is held on a customer, which they can ask for (Art. 15 GDPR)."""

import strawberry
from sqlalchemy import or_, select

from app.auth.permissions import Permission
from app.errors import UserErrorCode
from app.models import Export
from app.models.export import ExportStatus
from app.work.action import action
from app.work.inputs import OfCustomer, Repeatable
from app.work.jobs import JobKind
from app.work.preconditions import Precondition
from app.work.unit import Work

_UNDER_WAY = (ExportStatus.QUEUED.value, ExportStatus.RUNNING.value)

_EXPORTS = Export.__table__.alias()

NONE_RUNNING = Precondition(
    UserErrorCode.EXPORT_RUNNING,
    "An export of this customer's data is under way.",
    lambda t: (
        ~select(_EXPORTS.c.id)
        .where(
            _EXPORTS.c.tenant_id == t.tenant_id,
            _EXPORTS.c.customer_id == t.id,
            # The statements of reads are compiled once, so they hold no lists of values.
            or_(*(_EXPORTS.c.status == status for status in _UNDER_WAY)),
        )
        .correlate_except(_EXPORTS)
        .exists()
    ),
)


@strawberry.input(description="A customer whose data are to be exported.")
class ExportCustomerDataInput(OfCustomer, Repeatable):
    """Which customer."""


@action(
    history="export.ordered",
    needs=Permission.EXPORT_WRITE,
    requires=(NONE_RUNNING,),
)
async def export_customer_data(work: Work, input: ExportCustomerDataInput) -> Export:
    """Have a copy made of everything that is held on the customer, as a ZIP. The tab of exports
    says how far it is."""
    customer = await work.account(input.customer_id)
    export = work.add(Export(customer_id=customer.id, status=ExportStatus.QUEUED.value))
    await work.flush()
    await work.enqueue(JobKind.EXPORT_CUSTOMER, {"export": export.id})
    work.note("Data export ordered.")
    return export
