"""Additional data: fields that a tenant defines for itself."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Record, at_most, matches, of_tenant, one_of


class AdditionalDataType(StrEnum):
    """What a value must be."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    CHOICE = "CHOICE"


class AdditionalDataTarget(StrEnum):
    """What a value is stored on."""

    CUSTOMER = "CUSTOMER"
    ORDER = "ORDER"
    SUBSCRIPTION = "SUBSCRIPTION"


class AdditionalDataDefinition(Record):
    """One field: its key in `additional_data`, its label, and what its values must be.

    `pattern` is a regular expression of RE2's, which a whole text has to match.
    """

    __tablename__ = "additional_data_definition"
    __table_args__ = (
        of_tenant(),
        UniqueConstraint("tenant_id", "applies_to", "key"),
        matches("key", "^[A-Za-z][0-9A-Za-z_]{0,59}$"),
        CheckConstraint(
            "(type = 'CHOICE') = (choices IS NOT NULL AND cardinality(choices) > 0)",
            name="choices_given",
        ),
        CheckConstraint("pattern IS NULL OR type = 'TEXT'", name="pattern_of_text"),
        at_most("label", 200),
        at_most("pattern", 500),
    )

    key: Mapped[str]
    label: Mapped[str]
    type: Mapped[str] = mapped_column(one_of("type", AdditionalDataType))
    applies_to: Mapped[str] = mapped_column(one_of("applies_to", AdditionalDataTarget))
    required: Mapped[bool] = mapped_column(server_default="false")
    pattern: Mapped[str | None]
    choices: Mapped[list[str] | None]
