"""Who stands behind an actor: two people have to be two people, whatever tokens they have."""

from sqlalchemy import text

from app.work.unit import Work

# Whoever made or rotated a partner's token can act by it, and so can a token that has made another
# one, or was replaced by it. What an operator made on the command line was made by nobody here.
_BEHIND = text("""
    WITH RECURSIVE behind (kind, id) AS (
        SELECT CAST(:kind AS text), CAST(:id AS bigint)
        UNION
        SELECT maker.kind, maker.id
        FROM behind CROSS JOIN LATERAL (
            SELECT made.actor_kind, made.actor_id FROM history AS made
            WHERE made.tenant_id = :tenant AND made.record_type = 'AccessToken'
                AND made.record_id = behind.id
                AND made.action IN ('token.created', 'token.rotated')
            UNION ALL
            SELECT 'PARTNER', token.replaces_id FROM access_token AS token
            WHERE token.tenant_id = :tenant AND token.id = behind.id
                AND token.replaces_id IS NOT NULL
        ) AS maker (kind, id)
        WHERE behind.kind = 'PARTNER'
    )
    SELECT kind, id FROM behind
""")


async def is_same_person(work: Work, kind: str, actor_id: int | None) -> bool:
    """Whether whoever acts is, or could be, the one who did something before.

    A member of staff is one person whatever tokens and sessions they have; behind a partner's token
    stands whoever made it.
    """
    actor = work.actor
    before = await _behind(work, kind, actor_id)
    return not before.isdisjoint(await _behind(work, actor["actor_kind"], actor["actor_id"]))


async def _behind(work: Work, kind: str, actor_id: int | None) -> set[tuple[str, int | None]]:
    values = {"tenant": work.tenant_id, "kind": kind, "id": actor_id}
    return {(row.kind, row.id) for row in await work.session.execute(_BEHIND, values)}
