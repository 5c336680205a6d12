"""The tenant that accounts are made for: itself, its people, and its catalogue."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from app import models
from app.auth.administration import create_staff, create_tenant
from app.auth.roles import ADMINISTRATOR, AGENT
from app.demo.account import Doer, World
from app.demo.batch import Batch
from app.demo.billing_profile import Letterhead, set_up_billing
from app.demo.catalogue import Rate, add_catalogue, load_catalogue
from app.demo.declarations import add_declarations, load_declarations
from app.encryption import Keyring

_DEFINITIONS = (
    ("CUSTOMER", "customerGroup", "Kundengruppe", "CHOICE", None,
     ["Privat", "Gastronomie", "Bildung", "Gesundheit"]),
    ("CUSTOMER", "clubNumber", "Clubnummer", "TEXT", "^C-[0-9]{5}$", None),
    ("ORDER", "costCentre", "Kostenstelle", "TEXT", "^[0-9]{4}$", None),
    ("SUBSCRIPTION", "deliverySpot", "Ablageort", "CHOICE", None,
     ["Briefkasten", "Zeitungsrolle", "Haustür"]),
)  # fmt: skip


@dataclass(frozen=True)
class Publisher:
    """A tenant as it is made up, and the people who work there."""

    slug: str
    name: str
    country: str
    agents: tuple[str, ...]
    austrian: float
    letterhead: Letterhead

    @property
    def administrator(self) -> str:
        """The e-mail address of the first of them."""
        return self.email(self.agents[0])

    def email(self, agent: str) -> str:
        """The e-mail address of one of them."""
        first = re.sub(r"[^a-z]", "", agent.split()[0].lower())
        return f"{first}@{self.slug}.example.com"


async def create_publisher(connection: asyncpg.Connection, publisher: Publisher) -> int:
    """Create a tenant and its staff, of whom the first may do everything."""
    tenant_id = await create_tenant(connection, publisher.slug, publisher.name)
    await connection.execute(
        "UPDATE tenant SET country = $2 WHERE id = $1", tenant_id, publisher.country
    )
    await set_up_billing(connection, tenant_id, publisher.letterhead)
    for agent in publisher.agents:
        await create_staff(
            connection,
            email=publisher.email(agent),
            name=agent,
            password=None,
            tenant=publisher.slug,
            role=AGENT if agent != publisher.agents[0] else ADMINISTRATOR,
        )
    return tenant_id


async def _load_agents(connection: asyncpg.Connection, tenant_id: int) -> list[Doer]:
    """The tenant's staff, as the doers of things."""
    found = await connection.fetch(
        "SELECT staff.id, staff.name FROM staff JOIN staff_membership ON staff_id = staff.id"
        " WHERE tenant_id = $1 ORDER BY staff.id",
        tenant_id,
    )
    return [
        {"actor_kind": "STAFF", "actor_id": row["id"], "actor_name": row["name"]} for row in found
    ]


async def _load_rates(connection: asyncpg.Connection) -> list[Rate]:
    """The tax rates of the countries that customers live in."""
    found = await connection.fetch(
        "SELECT country, tax_class, percent, valid_from, valid_until FROM tax_rate"
        " WHERE country IN ('DE', 'AT')"
    )
    return [Rate(*row.values()) for row in found]


async def build_world(
    connection: asyncpg.Connection,
    batch: Batch,
    publisher: Publisher,
    today: date,
    keyring: Keyring,
) -> World:
    """What all accounts of a new tenant have in common; its catalogue goes into the batch."""
    catalogue = add_catalogue(batch, today, await _load_rates(connection), "EUR")
    made = datetime.combine(today - timedelta(days=2500), time(8), UTC)
    for target, key, label, kind, pattern, choices in _DEFINITIONS:
        batch.add(
            models.AdditionalDataDefinition,
            key=key,
            label=label,
            type=kind,
            applies_to=target,
            pattern=pattern,
            choices=choices,
            created_at=made,
            changed_at=made,
        )
    agents = await _load_agents(connection, batch.tenant_id)
    declarations = add_declarations(batch)
    return World(catalogue, today, agents, keyring, declarations, publisher.austrian)


async def load_world(
    connection: asyncpg.Connection,
    tenant_id: int,
    publisher: Publisher,
    today: date,
    keyring: Keyring,
) -> World:
    """What all accounts of a tenant have in common that was begun before."""
    catalogue = await load_catalogue(connection, tenant_id, await _load_rates(connection))
    agents = await _load_agents(connection, tenant_id)
    declarations = await load_declarations(connection, tenant_id)
    return World(catalogue, today, agents, keyring, declarations, publisher.austrian)
