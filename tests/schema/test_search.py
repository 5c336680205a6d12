"""The search within a tab."""

from app import models
from app.schema.node import encode_id
from tests.publisher import Publisher

SEARCH = """query($id: ID!, $words: String) { customer(by: {id: $id}) {
    activities(search: $words) { totalCount } } }"""


async def test_as_many_words_count_as_on_the_overview(publisher: Publisher) -> None:
    customer = await publisher.customer()
    await publisher.make(models.Activity, customer_id=customer, text="eins zwei drei vier fünf")

    async def found(words: str) -> int:
        data = await publisher.data(SEARCH, id=encode_id("Customer", customer), words=words)
        count: int = data["customer"]["activities"]["totalCount"]
        return count

    assert await found("FÜNF vier drei zwei eins") == 1
    assert await found("eins zwei drei vier fünf e z sechs") == 0
    assert await found("eins zwei drei vier fünf e z d sechs") == 1
    assert await found("eins " * 90 + "sechs") == 0
