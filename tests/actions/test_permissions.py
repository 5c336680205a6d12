"""Who may act: nobody unknown, nobody without the permission, nobody of another tenant."""

import pytest
from strawberry.utils.str_converters import to_snake_case

from app import models
from app.auth.permissions import Permission
from app.schema.node import encode_id
from app.work.action import ACTIONS
from app.work.preconditions import NOT_ANONYMIZED
from tests.actions.examples import EXAMPLES
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals
from tests.rows import EPOCH


async def test_an_id_of_another_type_is_refused(
    publisher: Publisher, everything: Everything
) -> None:
    customer = await publisher.customer(tags=["old"])
    mail = encode_id("Mail", await publisher.make(models.Mail, customer_id=customer))
    inputs = {name: await example.input(publisher, customer) for name, example in EXAMPLES.items()}
    async with everything.unchanged():
        for name, given in inputs.items():
            field = EXAMPLES[name].field
            if field in given:
                payload = await publisher.act(name, given | {field: mail})
                assert (name, refusals(payload)) == (name, [("INVALID", field)])


NO_CUSTOMERS = {
    "nonsense": ("!", "INVALID"),
    "an order's": (encode_id("Order", 1), "INVALID"),
    "too large a key": (encode_id("Customer", 2**63), "INVALID"),
    "NUL": ("\0", "INVALID"),
    "blank": (" ", "REQUIRED"),
    "long": ("x" * 201, "TOO_LONG"),
    "nobody's": (encode_id("Customer", 2**63 - 1), "NOT_FOUND"),
}


@pytest.mark.parametrize("case", NO_CUSTOMERS)
async def test_an_id_of_no_customer_is_refused(
    publisher: Publisher, everything: Everything, case: str
) -> None:
    wrong, code = NO_CUSTOMERS[case]
    async with everything.unchanged():
        payload = await publisher.act("addTag", {"customerId": wrong, "tag": "VIP"})
    assert refusals(payload) == [(code, "customerId")]


async def test_an_anonymised_account_refuses_all_but_what_says_otherwise(
    publisher: Publisher, everything: Everything
) -> None:
    customer = await publisher.customer(tags=["old"], anonymized_at=EPOCH)
    inputs = {name: await example.input(publisher, customer) for name, example in EXAMPLES.items()}
    closed = {
        name: given
        for name, given in inputs.items()
        if NOT_ANONYMIZED in ACTIONS[to_snake_case(name)].preconditions
    }
    assert len(closed) > len(inputs) / 2
    async with everything.unchanged():
        for name, given in closed.items():
            payload = await publisher.act(name, given)
            assert (name, refusals(payload)[0]) == (name, ("CUSTOMER_ANONYMIZED", ""))
    for name in inputs.keys() - closed.keys():
        assert refusals(await publisher.act(name, inputs[name])) == []


async def test_a_permission_that_is_missing_hides_no_other_mutation(
    publisher: Publisher, customer: str
) -> None:
    token = await publisher.issue_token("customer:update", "customer:read", "internal:read")
    mutation = """
        mutation ($id: ID!) {
            first: addTag(input: {customerId: $id, tag: "A"}) { customer { tags } }
            blockCustomer(input: {customerId: $id}) { customer { loginBlocked } }
            second: addTag(input: {customerId: $id, tag: "B"}) { customer { tags } }
        }
    """
    answer = await publisher.ask(mutation, token, id=customer)
    assert answer["data"] == {
        "first": {"customer": {"tags": ["A"]}},
        "blockCustomer": None,
        "second": {"customer": {"tags": ["A", "B"]}},
    }
    assert [(e["extensions"]["code"], e["path"]) for e in answer["errors"]] == [
        ("FORBIDDEN", ["blockCustomer"])
    ]


async def test_who_may_act_and_not_look_is_told_so(publisher: Publisher, customer: str) -> None:
    token = await publisher.issue_token(Permission.CUSTOMER_UPDATE)
    given = {"customerId": customer, "tag": "VIP"}
    answer = await publisher.ask_to("addTag", given, "customer { tags }", token)
    assert answer["data"] == {"addTag": {"customer": None, "userErrors": []}}
    assert [(e["extensions"]["code"], e["path"]) for e in answer["errors"]] == [
        ("FORBIDDEN", ["addTag", "customer"])
    ]
    assert len(await publisher.history(customer)) == 1
    refused = await publisher.ask_to("addTag", given, "customer { tags }", token)
    assert "errors" not in refused


async def test_a_mutation_is_not_taken_by_get(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    mutation = (
        f'mutation {{ addTag(input: {{customerId: "{customer}", tag: "VIP"}}) {{ __typename }} }}'
    )
    async with everything.unchanged():
        response = await publisher.client.get(
            "/graphql",
            params={"query": mutation},
            headers={"Authorization": f"Bearer {publisher.token}"},
        )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
