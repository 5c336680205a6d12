"""The workloads: which accounts are read, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.accounts import Accounts

_PAGES = 100


@dataclass(frozen=True)
class Workload:
    """A document, and what it is asked for.

    Without `pages`, each of the `keys` is a request. With them, the pages behind each other are
    the requests, at most so many; `path` leads to the list in an answer's data. One that `writes`
    has a request for each of the keys so many times, each with a text of its own.
    """

    name: str
    document: str
    title: str
    keys: Sequence[int | None]
    pages: int = 0
    path: tuple[str, ...] = ()
    writes: int = 0


def workloads(accounts: Accounts, long: int) -> list[Workload]:
    """All of them; `long` is the customer with 10,000 activities."""
    return [
        Workload("W1", "W1", "account page: 12 tabs x total + 20 rows x 8 fields", accounts.full),
        Workload("W1m", "W1", "the same page of accounts half as full", accounts.mixed),
        Workload(
            "W2",
            "W2",
            "overview: 50 customers x 4 totals + 2 tabs x 3 rows",
            (None,),
            pages=20,
            path=("customers",),
        ),
        Workload("W3", "W3", "five scalars of a customer", accounts.all),
        Workload(
            "W4",
            "W4",
            "walking 10,000 rows by 100",
            (long,),
            pages=_PAGES,
            path=("customer", "activities"),
        ),
        Workload("W5", "W5", "addActivity", accounts.all, writes=10),
        Workload("W7", "W7", "account page, one tab with signed addresses", accounts.full),
    ]
