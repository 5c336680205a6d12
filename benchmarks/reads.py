"""The queries that are measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.client import Client, Query
from benchmarks.tenants import Tenant

_OVERVIEW = """query Overview($search: String, $orderBy: CustomerOrder) {
  customers(first: 50, search: $search, orderBy: $orderBy) {
    totalCount
    nodes { id number firstName lastName email createdAt loginBlocked }
    pageInfo { hasNextPage endCursor }
  }
}"""

_OVERVIEW_WITH_TABS = """query OverviewWithTabs {
  customers(first: 50) {
    totalCount
    nodes {
      id number firstName lastName email
      counts { activities orders subscriptions invoices }
      activities(first: 3) { nodes { kind text createdAt } }
      invoices(first: 3) { nodes { number status gross { amount currency } } }
    }
  }
}"""

_ACTIVITIES = """query Activities($id: ID!, $first: Int, $last: Int, $after: String) {
  customer(by: {id: $id}) {
    activities(first: $first, last: $last, after: $after) {
      nodes { id kind text createdAt } pageInfo { hasNextPage endCursor }
    }
  }
}"""


@dataclass(frozen=True)
class Workload:
    """A query that every tenant can answer."""

    name: str
    of: Callable[[Tenant], Query]


def _searched(what: Callable[[Tenant], str]) -> Callable[[Tenant], Query]:
    return lambda tenant: Query(_OVERVIEW, {"search": what(tenant)}, tenant.token)


def overview_workloads() -> list[Workload]:
    """The overview, whole, sorted and searched by what agents type."""
    return [
        Workload("overview with count", lambda t: Query(_OVERVIEW, {}, t.token)),
        Workload(
            "overview by name",
            lambda t: Query(_OVERVIEW, {"orderBy": {"field": "SORT_NAME"}}, t.token),
        ),
        Workload(
            "overview with 4 counts and 2 tabs",
            lambda t: Query(_OVERVIEW_WITH_TABS, {}, t.token),
        ),
        Workload("search: customer number", _searched(lambda t: t.number)),
        Workload("search: e-mail", _searched(lambda t: t.email)),
        Workload("search: invoice number", _searched(lambda t: t.invoice_number)),
        Workload("search: IBAN", _searched(lambda t: t.iban)),
        Workload(
            "search: first name, last name and postal code",
            _searched(lambda t: f"{t.first_name} {t.last_name} {t.postal_code}"),
        ),
        Workload(
            "search: last name alone (matches grow with the tenant)",
            _searched(lambda t: t.last_name),
        ),
    ]


def account_workloads(url: str, tenant: Tenant) -> Iterator[tuple[str, Query, Query]]:
    """Pages of the long tab: the first against the last, and against one reached by walking."""

    def page(**arguments: object) -> Query:
        return Query(_ACTIVITIES, {"id": tenant.long_account, **arguments}, tenant.token)

    yield "first page, last page", page(first=100), page(last=100)
    client, after = Client(url), None
    for _ in range(99):
        data = client.send(page(first=100, after=after))
        after = data["customer"]["activities"]["pageInfo"]["endCursor"]
    yield (
        "first page, page 100 by its cursor",
        page(first=100),
        page(first=100, after=after),
    )
