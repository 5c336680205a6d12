"""No float comes near money: not in the tables, the schema, the rules, nor what reckons."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
)
from sqlalchemy import Float, Numeric

from app import models

ROOT = Path(__file__).parents[2]
RULES = ("money", "tax", "periods", "terms", "billing", "vouchers", "issues", "direct_debits")

MONEY = re.compile(
    r"(?:^|_)(?:money|amounts?|prices?|net|gross|tax|taxes|percent|rates?|discounts?|vouchers?"
    r"|refunds?|credits?|charges?|balance|totals?|fees?|sums?|due|paid|invoices?|costs?)(?:_|$)"
)
"""Names of what is money or a rate of tax."""


def _floats(tree: ast.AST) -> Iterator[ast.AST]:
    """Where a float is named or written down; a comparison with one gives none."""
    match tree:
        case ast.Name(id="float" | "Float") | ast.Constant(value=float()):
            yield tree
        case ast.Compare():
            return
    for part in ast.iter_child_nodes(tree):
        yield from _floats(part)


def _names(node: ast.AST) -> Iterator[str]:
    """What something is called, and what is called in it."""
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def floats_beside_money(source: str) -> list[str]:
    """Names of money that stand in one statement or signature with a float."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                found += [
                    argument.arg
                    for argument in arguments
                    if argument.annotation and any(_floats(argument.annotation))
                ]
                if node.returns and any(_floats(node.returns)):
                    found.append(node.name)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Return() | ast.Expr():
                if any(_floats(node)):
                    found += _names(node)
    return [name for name in found if MONEY.search(name.lower())]


def sources() -> list[Path]:
    """All of the application but its server, which reckons with what queries cost."""
    server = ROOT / "app" / "server"
    return [path for path in sorted((ROOT / "app").rglob("*.py")) if server not in path.parents]


def test_no_statement_has_both_money_and_a_float() -> None:
    assert len(sources()) > 100
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in sources()
        for name in floats_beside_money(path.read_text("utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_know_no_float(rule: str) -> None:
    tree = ast.parse((ROOT / "app" / "domain" / f"{rule}.py").read_text("utf-8"))
    # Money alone names the type: to refuse it.
    assert len(list(_floats(tree))) == (1 if rule == "money" else 0)


def test_no_column_is_a_float() -> None:
    types = {
        str(column): column.type
        for table in models.Base.metadata.tables.values()
        for column in table.c
        if isinstance(column.type, Numeric | Float)
    }
    assert len(types) > 20
    assert {name for name, type_ in types.items() if isinstance(type_, Float)} == set()
    assert {
        name: type_
        for name, type_ in types.items()
        if isinstance(type_, Numeric) and (not type_.asdecimal or type_.scale != 2)
    } == {}


def test_the_schema_has_no_float() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"), assume_valid=True)
    found = []
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLInputObjectType):
            used = [field.type for field in type_.fields.values()]
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            used = [field.type for field in type_.fields.values()]
            used += [arg.type for field in type_.fields.values() for arg in field.args.values()]
        else:
            continue
        found += [name for one in used if get_named_type(one).name == "Float"]
    assert found == []
    assert "Decimal" in schema.type_map


@pytest.mark.parametrize(
    "source",
    [
        "def f(price: float): ...",
        "def total(x: int) -> float: ...",
        "class A:\n    net_price: float = 0",
        "gross = price * 1.19",
        "tax_percent = float(row['percent'])",
        "x = Column(Float, name=gross)",
        "async def f(*, amount: int | float | None = None): ...",
        "def f():\n    return amount * 0.07",
    ],
)
def test_a_float_beside_money_is_found(source: str) -> None:
    assert floats_beside_money(source)


@pytest.mark.parametrize(
    "source", ["timeout = 0.5", "def f(seconds: float) -> float: ...", "price = Decimal('1.19')"]
)
def test_a_float_elsewhere_is_not(source: str) -> None:
    assert not floats_beside_money(source)
