"""What property tests of the rules of billing draw from."""

from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.domain.money import Money
from app.domain.periods import Period, Span

always = settings(
    # The same examples on each run, and none refused for a machine that is busy.
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)

currencies = st.sampled_from(("EUR", "CHF", "JPY", "RSD"))


def prices(largest: int = 10**7, currency: str = "EUR") -> st.SearchStrategy[Money]:
    """Amounts that are not negative, in minor units up to the largest."""
    return st.integers(0, largest).map(lambda minor: Money.zero(currency) + cents(minor, currency))


def cents(minor: int, currency: str = "EUR") -> Money:
    """So many hundredths of a currency."""
    return Money.of(f"{minor}E-2", currency)


days = st.dates(date(1999, 1, 1), date(2060, 12, 31))
# Mostly the days on which reckoning in months can go wrong.
month_ends = st.builds(
    lambda year, month, back: date(year + month // 12, month % 12 + 1, 1) - timedelta(days=back),
    st.integers(1999, 2060),
    st.integers(0, 11),
    st.integers(1, 4),
)
anchors = days | month_ends

periods = st.builds(Period, st.integers(1, 5), st.sampled_from(("DAY", "WEEK", "MONTH", "YEAR")))
notices = st.builds(Period, st.integers(0, 6), st.sampled_from(("DAY", "WEEK", "MONTH")))
spans = st.builds(
    lambda first, length: Span(first, first + timedelta(days=length)),
    anchors,
    st.integers(0, 800),
)
percents = st.sampled_from(("0.00", "5.00", "7.00", "8.10", "10.00", "16.00", "19.00", "25.50"))
