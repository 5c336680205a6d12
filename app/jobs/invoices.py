"""Makes the PDFs and XMLs of invoices."""

from collections.abc import Mapping
from typing import Any

from app.billing.rendering import render_invoice
from app.documents.pdf import RenderingError
from app.errors import ApiError
from app.jobs.registry import JobContext, JobError, JobRefused, handles
from app.work.jobs import JobKind


@handles(JobKind.RENDER_INVOICE)
async def render(context: JobContext, tenant_id: int, payload: Mapping[str, Any]) -> None:
    """Make an invoice's PDF and XML, unless they are there, and mail what was just issued."""
    try:
        await render_invoice(
            context.writing,
            context.shelf,
            context.performer,
            tenant_id,
            payload["invoice"],
            mailed=payload.get("mail", False),
        )
    except RenderingError as error:
        raise JobRefused(str(error)) from error
    except ApiError as error:
        raise JobError("The object store or the database could not be reached.") from error
