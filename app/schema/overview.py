"""The overview: how the tenant's customers are looked for and counted."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal_column, select

from app.auth.permissions import Permission
from app.context import Caller
from app.domain.search import query_terms
from app.errors import ApiError, ErrorCode
from app.models.customer_term import CustomerCount, TermSource
from app.resolvers.reads import Columns, Search
from app.resolvers.sql import tenant


def _customer_terms(caller: Caller, text: str) -> tuple[str, ...]:
    """The beginnings of terms that a customer must have all of.

    Raises:
        ApiError: BAD_REQUEST when nothing in the text can be looked for.
    """
    terms = query_terms(text, caller.hash_iban)
    if not terms:
        raise ApiError(ErrorCode.BAD_REQUEST, "`search` takes letters or digits to look for.")
    return tuple(terms)


_SOURCES = {
    TermSource.CUSTOMER: Permission.CUSTOMER_READ,
    TermSource.ADDRESS: Permission.ADDRESS_READ,
    TermSource.BANK_ACCOUNT: Permission.BANK_ACCOUNT_READ,
    TermSource.INVOICE: Permission.INVOICE_READ,
    TermSource.MERGE: Permission.INTERNAL_READ,
}


def _sources(caller: Caller) -> tuple[int, ...]:
    """Where the caller may look: a search must not tell what reading would refuse."""
    return tuple(source for source, needs in _SOURCES.items() if needs in caller.permissions)


def _has_terms(
    t: Columns, terms: ColumnElement[Any], sources: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a customer has a term with each of these beginnings."""
    found = func.abokonto.find_customers(tenant(), terms, sources, type_=BigInteger)
    return t.id.in_(select(found.column_valued("customer_id")))


def all_customers() -> ColumnElement[int]:
    """The tenant's customers, summed over the counters that triggers keep; to a customer who has
    signed in there is one.
    """
    total = select(func.coalesce(func.sum(CustomerCount.count), literal_column("0"))).where(
        CustomerCount.tenant_id == tenant()
    )
    everybody = func.abokonto.current_customer(type_=BigInteger).is_(None)
    return cast(case((everybody, total.scalar_subquery()), else_=1), BigInteger)


BY_WORDS = Search("Words, by their beginnings.", _customer_terms, _has_terms, _sources)
