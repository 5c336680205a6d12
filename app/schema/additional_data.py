"""Definitions of additional data: the fields that a tenant has of its own."""

from app.auth.permissions import Permission
from app.models.additional_data import AdditionalDataDefinition as AdditionalDataDefinitionModel
from app.models.additional_data import AdditionalDataTarget, AdditionalDataType
from app.resolvers.fields import column
from app.schema.enums import described
from app.schema.node import Record, record

described(
    AdditionalDataType,
    "What values of additional data must be.",
    {
        "TEXT": "A text of up to 2,000 characters.",
        "NUMBER": "A number.",
        "BOOLEAN": "True or false.",
        "DATE": "A day, as `2026-11-22`.",
        "CHOICE": "One of some texts.",
    },
)
described(
    AdditionalDataTarget,
    "What additional data is kept on.",
    {
        "CUSTOMER": "Customers.",
        "ORDER": "Orders.",
        "SUBSCRIPTION": "Subscriptions.",
    },
)


@record(
    AdditionalDataDefinitionModel,
    needs=Permission.ADDITIONAL_DATA_READ,
    description="A field of the tenant's own: what is kept under a key of `additionalData`.",
    order="key",
)
class AdditionalDataDefinition(Record):
    """The key, and what its values must be."""

    applies_to: AdditionalDataTarget = column("On what it is kept.", where=True, order=True)
    key: str = column("The key in `additionalData`.", where=True, order=True)
    label: str = column("What people call it.", where=True, order=True)
    type: AdditionalDataType = column("What values must be.", where=True)
    required: bool = column(
        "Whether it has to be there whenever additional data is set.", where=True
    )
    pattern: str | None = column("The regular expression (RE2's) that a whole text has to match.")
    choices: list[str] | None = column("What to choose from.")
