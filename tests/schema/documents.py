"""Documents made from the schema, so that no field is forgotten."""

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)

from app.schema.root import schema as strawberry_schema

schema = strawberry_schema._schema

TABS = {
    "activities": "kind text attachments { name contentType size sha256 }",
    "addresses": "type lastName company street houseNumber postalCode city country preferred",
    "accessRights": "uniqueId source status validFrom validUntil product { name }",
    "bankAccounts": "owner maskedIban bic bankName mandateReference mandateState preferred",
    "orders": "number status orderedAt gross { amount currency } items { title quantity gross }",
    "subscriptions": "number status startsOn endsOn nextBillingOn offer { name } issues { open }",
    "invoices": "number type status issuedOn dueOn gross { amount currency } order { number }"
    " items { title net taxPercent tax gross } taxes { taxPercent tax }",
    "transactions": "action status amount { amount currency } errorCode invoice { number }",
    "deliveries": "kind status publishingOn issue { number publication { title } }"
    " address { city } subscription { number }",
    "goodwill": "kind count reasonKind reason value { amount currency } subscription { number }",
    "optIns": "purpose channel status",
    "mails": "template recipient subject status sentAt error",
    "logins": "createdAt succeeded failure ip userAgent",
    "exports": "status size expiresAt file { name }",
    "merges": "status take formerNumber formerExternalId formerEmail refusals error finishedAt",
    "history": "action recordType recordId before after note actor { kind name }",
}

ACCOUNT = (
    "query Account($id: ID!, $first: Int = 20) { customer(by: {id: $id}) { id number firstName"
    " lastName email loginBlocked accessBlocked anonymized counts { "
    + " ".join(TABS)
    + " } "
    + " ".join(
        f"{tab}(first: $first) {{ totalCount pageInfo {{ hasNextPage endCursor }}"
        f" nodes {{ id createdAt {fields} }} }}"
        for tab, fields in TABS.items()
    )
    + " } }"
)
"""The account page: the customer, the count of every tab and its first page."""


LEAVES_A_TRACE = "iban"
"""What is in the history once it was read, so that whoever reads it next finds another history."""


def everything(type_: GraphQLOutputType, depth: int) -> str:
    """A selection of all fields of a type that need no arguments and leave no trace, down to a
    depth."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if not isinstance(named, GraphQLObjectType):
        return " { __typename }"
    selections = []
    for name, field in named.fields.items():
        if any(
            is_non_null_type(argument.type) and argument.default is None
            for argument in field.args.values()
        ):
            continue
        below = get_named_type(field.type)
        if is_leaf_type(below):
            if name != LEAVES_A_TRACE:
                selections.append(name)
        elif depth > 0:
            selections.append(name + everything(field.type, depth - 1))
    return " { " + " ".join(selections or ["__typename"]) + " }"
