"""People and companies of Germany and Austria, and where they live.

Faker gives the names; calling it for every row would take minutes at a million customers, so
its lists are drawn from directly. E-mail addresses are in domains that are reserved for
examples, and German telephone numbers are the ones set aside for films.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

_COMPANIES = (
    "Gasthof {last}",
    "{last} & Söhne GmbH",
    "Zahnarztpraxis Dr. {last}",
    "Hotel {last}",
    "Steuerkanzlei {last}",
    "Buchhandlung {last}",
    "Autohaus {last} GmbH",
    "Café {last}",
    "Stadtbücherei {city}",
    "Seniorenheim Haus {last}",
)
_MAIL_DOMAINS = ("example.org", "example.com", "example.net")
_LANDLINES = {
    "Berlin": "+49 30 23125",
    "Hamburg": "+49 40 66969",
    "Köln": "+49 221 4710",
    "Frankfurt am Main": "+49 69 90009",
    "München": "+49 89 99998",
}
_PLAIN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ó": "o", "á": "a"}
)


@dataclass(frozen=True)
class Place:
    """A city with one of its own postal codes."""

    country: str
    postal_code: str
    city: str


@dataclass(frozen=True)
class Names:
    """The names of a country."""

    female: tuple[str, ...]
    male: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """Somebody who has an account, or the one to speak to where a company has it."""

    salutation: str | None
    title: str | None
    first_name: str
    last_name: str
    company: str | None
    email: str | None
    phone: str | None
    birthday: date | None
    place: Place
    street: str
    house_number: str

    @property
    def name(self) -> str:
        """The name as a letter would write it."""
        return self.company or " ".join(
            part for part in (self.title, self.first_name, self.last_name) if part
        )

    def address(self) -> dict[str, Any]:
        """The fields of an address."""
        return {
            "business": self.company is not None,
            "company": self.company,
            "salutation": self.salutation,
            "title": self.title,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "street": self.street,
            "house_number": self.house_number,
            "postal_code": self.place.postal_code,
            "city": self.place.city,
            "country": self.place.country,
        }


@cache
def _places() -> dict[str, list[Place]]:
    text = (files("app.demo") / "places.csv").read_text("utf-8")
    places: dict[str, list[Place]] = {"DE": [], "AT": []}
    for country, postal_code, city in csv.reader(text.splitlines(), delimiter=";"):
        places[country].append(Place(country, postal_code, city))
    return places


@cache
def _streets() -> list[str]:
    return (files("app.demo") / "streets.txt").read_text("utf-8").splitlines()


@cache
def _names() -> dict[str, Names]:
    from faker.providers.person.de_AT import Provider as Austrian
    from faker.providers.person.de_DE import Provider as German

    return {
        country: Names(
            tuple(provider.first_names_female),
            tuple(provider.first_names_male),
            tuple(provider.last_names),
        )
        for country, provider in (("DE", German), ("AT", Austrian))
    }


def somebody(rng: Random, number: int, today: date, austrian: float) -> Person:
    """Make a person up; `austrian` is how likely they live in Austria."""
    country = "AT" if rng.random() < austrian else "DE"
    names, place = _names()[country], rng.choice(_places()[country])
    female = rng.random() < 0.54
    first = rng.choice(names.female if female else names.male)
    last = rng.choice(names.last)
    company = None
    if rng.random() < 0.07:
        company = rng.choice(_COMPANIES).format(last=last, city=place.city)
    return Person(
        salutation=None if rng.random() < 0.02 else "MS" if female else "MR",
        title=rng.choice(("Dr.", "Dr.", "Prof. Dr.", "Mag.")) if rng.random() < 0.05 else None,
        first_name=first,
        last_name=last,
        company=company,
        email=_email(rng, first, last, number),
        phone=_phone(rng, place) if rng.random() < 0.65 else None,
        birthday=_birthday(rng, today) if company is None and rng.random() < 0.6 else None,
        place=place,
        street=rng.choice(_streets()),
        house_number=f"{rng.randint(1, 148)}{'a' if rng.random() < 0.06 else ''}",
    )


def _email(rng: Random, first: str, last: str, number: int) -> str | None:
    if rng.random() < 0.12:
        return None
    name = f"{first}.{last}".lower().translate(_PLAIN).replace(" ", "-")
    ascii_name = name.encode("ascii", "ignore").decode()
    return f"{ascii_name}.{number}@{rng.choice(_MAIL_DOMAINS)}"


def _phone(rng: Random, place: Place) -> str:
    if place.country == "AT":
        return f"+43 664 55501{rng.randint(0, 99):02}"
    if landline := _LANDLINES.get(place.city):
        return f"{landline}{rng.randint(0, 999):03}"
    return f"+49 171 39200{rng.randint(0, 99):02}"


def _birthday(rng: Random, today: date) -> date:
    return today - timedelta(days=int(365.25 * rng.triangular(19, 92, 61)))
