"""What is asked: every field of the root with arguments that find something, and every record."""

from app.schema.node import _RECORDS, encode_id
from tests.matrix.reading import Question, literal
from tests.publisher import Publisher
from tests.schema.documents import schema


def _of_the_root(keys: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The arguments of the fields of the root that take some, by their names."""
    customer = keys["Customer"]
    line = f"lines: [{{offerId: {keys['Offer']}}}]"
    days = 'from: "2020-01-01", until: "2026-12-31"'
    invoice, cheaper = keys["Invoice"], '{title: "Abo", gross: "9.00", taxPercent: "7"}'
    wrong = f'expect: {{position: 1, hash: "{"0" * 64}"}}'
    return {
        "customer": (f"(by: {{id: {customer}}})",),
        "goodwillReport": tuple(
            f"({days}, groupBy: {group})" for group in ("AGENT", "REASON", "KIND", "MONTH")
        ),
        "hasAccess": (f'(customer: {{id: {customer}}}, uniqueId: "digital")',),
        "node": (f"(id: {customer})",),
        "nodes": (f"(ids: [{customer}])",),
        "previewAnonymization": (f"(input: {{customerId: {customer}}})",),
        "previewCheckout": (
            f"(input: {{customerId: {customer}, paymentMethod: INVOICE, {line}}})",
        ),
        "previewMerge": (f"(input: {{customerId: {customer}, duplicateId: {keys['Other']}}})",),
        "previewCorrection": (
            f"(input: {{invoiceId: {invoice}}})",
            f"(input: {{invoiceId: {invoice}, lines: [{cheaper}]}})",
        ),
        "verifyHistory": ("", f"({wrong})"),
    }


async def questions(publisher: Publisher, customer: int) -> list[Question]:
    """A question for every record, and for every field of the root."""
    asked: list[Question] = []
    asked_of: dict[str, list[str]] = {}
    keys: dict[str, str] = {}
    for name, declared in _RECORDS.items():
        table = declared.model.__table__
        rows = (
            await publisher.owner.fetch(
                f"SELECT id FROM {table} WHERE tenant_id = $1 ORDER BY id LIMIT 6",  # noqa: S608  Our own name.
                publisher.tenant_id,
            )
            if "tenant_id" in table.columns
            else []
        )
        ids = [literal(encode_id(name, row["id"])) for row in rows]
        asked += [Question("node", f"(id: {one})", name) for one in ids]
        asked_of[name] = ids
        keys[name] = ids[0] if ids else "null"
        if name in {"Offer", "Invoice"}:
            # The first ones are of a product that is sold no more, and corrected.
            keys[name] = ids[-1]
    # The last of those that `full_account` makes.
    keys["Other"] = asked_of["Customer"][2]
    keys["Customer"] = literal(encode_id("Customer", customer))
    arguments = _of_the_root(keys)
    assert schema.query_type is not None
    of_the_root = [
        Question(name, of) for name in schema.query_type.fields for of in arguments.get(name, ("",))
    ]
    # What records of all sorts have is asked for in the account, where most people see something.
    return [*sorted(asked, key=lambda question: question.type_name != "Customer"), *of_the_root]
