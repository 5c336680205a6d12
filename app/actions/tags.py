"""Tags: words that staff put on an account and take off again."""

import strawberry

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Customer
from app.work.action import action
from app.work.inputs import OfCustomer, text
from app.work.unit import Work

LONGEST_TAG = 60
MOST_TAGS = 50


@strawberry.input(description="A tag to put on a customer.")
class AddTagInput(OfCustomer):
    """Which customer, and which tag."""

    tag: str = text("The tag.", most=LONGEST_TAG)


@strawberry.input(description="A tag to take off a customer.")
class RemoveTagInput(OfCustomer):
    """Which customer, and which tag."""

    tag: str = text("The tag.", most=LONGEST_TAG)


@action(
    history="customer.tag_added",
    needs=Permission.CUSTOMER_UPDATE,
    refuses=(UserErrorCode.ALREADY_TAGGED, UserErrorCode.TOO_MANY_TAGS),
)
async def add_tag(work: Work, input: AddTagInput) -> Customer:
    """Put a tag on a customer."""
    customer = await work.account(input.customer_id)
    if input.tag in customer.tags:
        raise Refused(UserErrorCode.ALREADY_TAGGED, "The customer has this tag.", "tag")
    if len(customer.tags) >= MOST_TAGS:
        raise Refused(
            UserErrorCode.TOO_MANY_TAGS, f"A customer has at most {MOST_TAGS} tags.", "tag"
        )
    customer.tags = [*customer.tags, input.tag]
    work.note(f"Tag added: {input.tag}.")
    return customer


@action(
    history="customer.tag_removed",
    needs=Permission.CUSTOMER_UPDATE,
    refuses=(UserErrorCode.NOT_TAGGED,),
)
async def remove_tag(work: Work, input: RemoveTagInput) -> Customer:
    """Take a tag off a customer."""
    customer = await work.account(input.customer_id)
    if input.tag not in customer.tags:
        raise Refused(UserErrorCode.NOT_TAGGED, "The customer does not have this tag.", "tag")
    customer.tags = [tag for tag in customer.tags if tag != input.tag]
    work.note(f"Tag removed: {input.tag}.")
    return customer
