"""Makes the documents of invoices."""

from collections.abc import Mapping
from typing import Any

from app.billing.rendering import render_invoice
from app.jobs.registry import JobContext, handles
from app.work.jobs import JobKind


@handles(JobKind.RENDER_INVOICE)
async def render(context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
    """Make an invoice's PDF and XML, unless they are there."""
    await render_invoice(
        context.writing, context.shelf, context.performer, tenant_id, payload["invoice"]
    )
