"""What holds of every action, whoever wrote it."""

import dataclasses
import typing
from collections.abc import Iterator

import pytest
import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from strawberry.utils.str_converters import to_camel_case

from app.actions import all_actions
from app.auth.permissions import Permission
from app.auth.roles import ROLES
from app.models import Base
from app.scalars import UploadedFile
from app.schema.identity import IDENTITY_MUTATIONS
from app.work.action import Action, action
from app.work.unit import Work
from tests.schema.documents import schema

ACTIONS = all_actions()


@pytest.fixture(params=ACTIONS, ids=lambda action: action.name)
def declared(request: pytest.FixtureRequest) -> Action:
    """Each action in turn."""
    found: Action = request.param
    return found


def test_each_is_a_mutation_and_there_is_no_other() -> None:
    assert schema.mutation_type is not None
    identity = {to_camel_case(mutation.python_name) for mutation in IDENTITY_MUTATIONS}
    names = {name.lower() for name in schema.mutation_type.fields.keys() - identity}
    assert names == {action.name.replace("_", "") for action in ACTIONS}


def test_each_is_called_something_of_its_own_in_the_history() -> None:
    names = [action.history for action in ACTIONS]
    assert len(set(names)) == len(names)


def test_each_may_be_done_by_administrators_and_not_by_auditors(declared: Action) -> None:
    assert isinstance(declared.needs, Permission)
    assert declared.needs in ROLES["administrator"]
    assert declared.needs not in ROLES["auditor"]


def test_each_says_in_the_schema_what_it_needs_and_refuses_with(declared: Action) -> None:
    field = _mutation(declared)
    assert field.description
    assert f"`{declared.needs}`" in field.description
    for code in declared.codes:
        assert f"`{code}`" in field.description
    payload = get_named_type(field.type)
    assert isinstance(payload, GraphQLObjectType)
    assert [name for name in payload.fields if name != "userErrors"]


def test_constraints_that_are_explained_exist(declared: Action) -> None:
    known = {
        getattr(named, "name", None)
        for table in Base.metadata.tables.values()
        for named in (*table.constraints, *table.indexes)
    }
    assert set(declared.conflicts) <= known


def test_every_text_of_an_input_is_checked(declared: Action) -> None:
    for name, field in _fields(declared.input):
        texts = {str, strawberry.ID}
        types = {getattr(kind, "__supertype__", kind) for kind in _leaves(field.type)}
        if types & texts:
            assert "check" in field.metadata, name


def test_every_field_of_an_input_that_is_optional_can_be_left_out(declared: Action) -> None:
    type_ = get_named_type(_mutation(declared).args["input"].type)
    assert isinstance(type_, GraphQLInputObjectType)
    assert type_.fields


WRONG = {
    "no history": {"history": "Customer Blocked"},
    "no account": {"history": "customer.blocked", "in_account": False},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_declaration_that_contradicts_itself_is_refused(case: str) -> None:
    from app.actions.locks import LOGIN_OPEN, BlockCustomerInput
    from app.models import Customer

    async def rule(_work: Work, input: BlockCustomerInput) -> Customer:
        """Do nothing."""
        raise NotImplementedError(input)

    values: typing.Any = WRONG[case]
    with pytest.raises(TypeError):
        action(needs=Permission.CUSTOMER_BLOCK, requires=(LOGIN_OPEN,), **values)(rule)


def _mutation(declared: Action) -> typing.Any:
    from strawberry.utils.str_converters import to_camel_case

    assert schema.mutation_type is not None
    return schema.mutation_type.fields[to_camel_case(declared.name)]


def _fields(input: type) -> Iterator[tuple[str, typing.Any]]:
    """The fields of an input and of those inside it."""
    hints = typing.get_type_hints(input)
    for field in dataclasses.fields(input):
        yield f"{input.__name__}.{field.name}", _Typed(hints[field.name], field.metadata)
        for kind in _leaves(hints[field.name]):
            # A file is a scalar, and checked as a whole.
            a_class = dataclasses.is_dataclass(kind) and isinstance(kind, type)
            if a_class and kind is not UploadedFile:
                yield from _fields(kind)


class _Typed(typing.NamedTuple):
    type: typing.Any
    metadata: typing.Mapping[str, typing.Any]


def _leaves(hint: typing.Any) -> Iterator[typing.Any]:
    arguments = typing.get_args(hint)
    if not arguments:
        yield hint
    for argument in arguments:
        yield from _leaves(argument)
