"""The publications, products and offers that the demonstration's publishers have."""

from dataclasses import dataclass

from app.models.base import PeriodUnit
from app.models.publication import Frequency
from app.models.tax_rate import TaxClass


@dataclass(frozen=True)
class OfferPlan:
    """An offer as it is made up; `share` says how often it is chosen."""

    code: str
    name: str
    product: str
    price: str
    accounting: tuple[int, PeriodUnit]
    term: tuple[int, PeriodUnit]
    notice: tuple[int, PeriodUnit]
    share: int
    issues: int | None = None


_MONTHLY, _QUARTERLY = (1, PeriodUnit.MONTH), (3, PeriodUnit.MONTH)
_YEARLY, _WEEKS = (1, PeriodUnit.YEAR), (2, PeriodUnit.WEEK)

PUBLICATIONS = {
    "TAG": ("Föhrenbacher Tagblatt", Frequency.DAILY),
    "BERG": ("Bergzeit", Frequency.MONTHLY),
    "TAL": ("Garten und Tal", Frequency.WEEKLY),
    "WEIT": ("Weitblick", Frequency.QUARTERLY),
}
PRODUCTS = {
    # Key: kind, name, access id, publication, tax class.
    "TAG": ("PRINT", "Föhrenbacher Tagblatt", None, "TAG", TaxClass.REDUCED),
    "TAG-E": ("DIGITAL", "Tagblatt E-Paper", "tagblatt-epaper", None, TaxClass.REDUCED),
    "TAG-K": ("BUNDLE", "Tagblatt Komplett", "tagblatt-komplett", "TAG", TaxClass.REDUCED),
    "BERG": ("PRINT", "Bergzeit", None, "BERG", TaxClass.REDUCED),
    "BERG-K": ("BUNDLE", "Bergzeit mit Archiv", "bergzeit-archiv", "BERG", TaxClass.REDUCED),
    "TAL": ("PRINT", "Garten und Tal", None, "TAL", TaxClass.REDUCED),
    "WEIT": ("PRINT", "Weitblick", None, "WEIT", TaxClass.REDUCED),
    "CLUB": ("DIGITAL", "Leserclub mit Wanderkarten", "leserclub", None, TaxClass.STANDARD),
}
OFFERS = (
    OfferPlan("TAG-M", "Tagblatt im Monatsabo", "TAG", "44.90", _MONTHLY, _MONTHLY, _WEEKS, 14),
    OfferPlan("TAG-J", "Tagblatt im Jahresabo", "TAG", "499.00", _YEARLY, _YEARLY, _QUARTERLY, 6),
    OfferPlan("TAG-E-M", "E-Paper im Monatsabo", "TAG-E", "24.90", _MONTHLY, _MONTHLY, _WEEKS, 12),
    OfferPlan(
        "TAG-E-Q", "E-Paper im Quartal", "TAG-E", "69.90", _QUARTERLY, _QUARTERLY, _WEEKS, 10
    ),
    OfferPlan("TAG-K-Q", "Komplett im Quartal", "TAG-K", "149.70", _QUARTERLY, _YEARLY, _WEEKS, 8),
    OfferPlan("BERG-J", "Bergzeit, 12 Hefte", "BERG", "82.80", _YEARLY, _YEARLY, _MONTHLY, 18, 12),
    OfferPlan(
        "BERG-K-J", "Bergzeit mit Archiv", "BERG-K", "99.00", _YEARLY, _YEARLY, _MONTHLY, 8, 12
    ),
    OfferPlan(
        "TAL-Q", "Garten und Tal, 13 Hefte", "TAL", "38.50", _QUARTERLY, _QUARTERLY, _WEEKS, 10, 13
    ),
    OfferPlan("WEIT-J", "Weitblick, 4 Hefte", "WEIT", "46.00", _YEARLY, _YEARLY, _MONTHLY, 8, 4),
    OfferPlan("CLUB-J", "Leserclub", "CLUB", "29.90", _YEARLY, _YEARLY, _MONTHLY, 6),
)
