"""Clears what nobody can sign in with any more: the database would else keep it without end.

It goes some days after it has ended, so that it can still be seen: sessions after 30, other tokens
after a year unless one that is kept has replaced them, invitations after 90, known devices after
180 without use, and what slows down guessing after one.
"""

from sqlalchemy import text

from app.writing import Writing

_CLEAR = text("SELECT abokonto.clear_sign_ins(:tenant, :most)")

MOST_AT_ONCE = 1_000
"""How many rows of each kind one statement removes, so that none holds many locks for long."""


async def clear_sign_ins(writing: Writing, tenant_id: int, most: int = MOST_AT_ONCE) -> int:
    """Clear a tenant's, and what belongs to no tenant; how many rows went."""
    cleared = 0
    while went := (await writing.upkeep(_CLEAR, tenant=tenant_id, most=most))[0]:
        cleared += went
    return cleared
