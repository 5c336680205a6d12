"""Why documents were corrected, as it is printed on them: in the tenant's language."""

from datetime import date
from enum import Enum
from types import MappingProxyType

from app.work.unit import Work


class Reason(Enum):
    """What happened to a subscription, in the languages that documents are written in."""

    ENDED = MappingProxyType(
        {
            "de": "Abonnement {number} beendet zum {day}",
            "en": "Subscription {number} ended on {day}",
        }
    )
    CONTINUED = MappingProxyType(
        {
            "de": "Kündigung des Abonnements {number} zurückgenommen",
            "en": "Cancellation of subscription {number} withdrawn",
        }
    )
    CHANGED = MappingProxyType(
        {
            "de": "Angebot des Abonnements {number} gewechselt zum {day}",
            "en": "Offer of subscription {number} changed on {day}",
        }
    )


async def reason_for(work: Work, reason: Reason, number: str, day: date) -> str:
    """A sentence for a document, about a subscription with this number."""
    from babel.dates import format_date

    language = (await work.tenant()).language
    known = language if language in reason.value else "en"
    written = format_date(day, "medium", locale="de" if known == "de" else "en_GB")
    return reason.value[known].format(number=number, day=written)
