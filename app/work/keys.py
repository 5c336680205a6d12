"""The opaque ids of inputs, and the keys in them."""

from app.domain import opaque
from app.errors import Refused, UserErrorCode
from app.models.base import TenantRow


def key_of(id: str, model: type[TenantRow], *field: str) -> int:
    """The key in an opaque id of a model's records.

    Raises:
        Refused: INVALID when it is malformed or names another type.
    """
    try:
        name, key = opaque.decode(id).split(":")
        if name != model.__name__:
            raise ValueError(name)
        return opaque.key(key)
    except ValueError as error:
        raise Refused(
            UserErrorCode.INVALID,
            f"This is not the id of a record of type `{model.__name__}`.",
            *field,
        ) from error


def not_found(*field: str) -> Refused:
    """What is answered where there is no such record in the tenant, or not in the account."""
    return Refused(UserErrorCode.NOT_FOUND, "There is no record with this id.", *field)
