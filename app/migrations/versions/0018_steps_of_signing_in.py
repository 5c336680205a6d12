"""The steps of signing in, which read and write what the application's role may not see.

Each does one thing, for one person, and gives no more than the step needs.
"""

# ruff: noqa: S608  Functions are made of our own words and nobody else's.

from alembic import op

revision = "0018"
down_revision = "0017"

_SQL = "LANGUAGE sql SECURITY DEFINER SET search_path = ''"
_PLPGSQL = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''"

_GUESSING = (
    # Counts a try and lets it pass, or says for how many seconds there can be none. The first
    # `free` ones pass, each further one doubles the pause, and refused ones do not prolong it.
    # What is counted beforehand can't be overtaken by tries made at the same time.
    f"""
    CREATE FUNCTION abokonto.count_try(tried bytea, free integer, longest integer, kept integer)
    RETURNS integer {_PLPGSQL} AS $body$
    DECLARE
        now constant timestamptz := clock_timestamp();
        oldest constant timestamptz := now - make_interval(secs => kept);
    BEGIN
        DELETE FROM public.throttle WHERE key IN (
            SELECT key FROM public.throttle
            WHERE last_at < now - interval '1 day' AND key <> tried
            ORDER BY last_at LIMIT 10 FOR UPDATE SKIP LOCKED
        );
        INSERT INTO public.throttle AS known (key, count, last_at, until)
        VALUES (tried, 1, now, now)
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN known.last_at < oldest THEN 1 ELSE known.count + 1 END,
            last_at = now,
            until = CASE
                WHEN known.last_at < oldest OR known.count + 1 < free THEN now
                ELSE now + make_interval(
                    secs => least(longest, 2 ^ least(known.count + 1 - free, 20))
                )
            END
        WHERE known.until <= now;
        IF FOUND THEN
            RETURN 0;
        END IF;
        RETURN (
            SELECT greatest(1, ceil(extract(epoch FROM until - clock_timestamp())))
            FROM public.throttle WHERE key = tried
        );
    END
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.forget_tries(tried bytea) RETURNS void {_SQL} AS $body$
        DELETE FROM public.throttle WHERE key = tried
    $body$
    """,
    # A try that succeeded is none of those that a budget is for.
    f"""
    CREATE FUNCTION abokonto.take_back_try(tried bytea) RETURNS void {_SQL} AS $body$
        UPDATE public.throttle SET count = greatest(count - 1, 0), until = last_at
        WHERE key = tried
    $body$
    """,
)

_STAFF = (
    f"""
    CREATE FUNCTION abokonto.staff_credentials(by_email text)
    RETURNS TABLE (staff_id bigint, password_hash text, totp_secret bytea, active boolean)
    {_SQL} STABLE ROWS 1 AS $body$
        SELECT id, password_hash, totp_secret, deactivated_at IS NULL
        FROM public.staff WHERE email_key = lower(by_email)
    $body$
    """,
    # Who holds a session; nobody for tokens that are none. That the token works was seen before.
    f"""
    CREATE FUNCTION abokonto.session_holder(token_hash bytea)
    RETURNS TABLE (
        staff_id bigint, token_id bigint, email text, password_hash text, totp_secret bytea,
        totp_pending bytea
    )
    {_SQL} STABLE ROWS 1 AS $body$
        SELECT staff.id, token.id, staff.email, staff.password_hash, staff.totp_secret,
               staff.totp_pending
        FROM public.access_token AS token
        JOIN public.staff ON staff.id = token.staff_id
        WHERE token.hash = token_hash AND token.signed_in_by IS NOT NULL
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.staff_tenants(person bigint)
    RETURNS TABLE (tenant_id integer, slug text, name text, role text) {_SQL} STABLE AS $body$
        SELECT tenant.id, tenant.slug, tenant.name, role.name
        FROM public.staff_membership AS membership
        JOIN public.tenant ON tenant.id = membership.tenant_id
        JOIN public.role
            ON role.tenant_id = membership.tenant_id AND role.id = membership.role_id
        WHERE membership.staff_id = person AND membership.deactivated_at IS NULL
        ORDER BY tenant.name, tenant.id
    $body$
    """,
    # A used step is taken by nobody else: whoever comes second waits for the row and finds it so.
    f"""
    CREATE FUNCTION abokonto.use_staff_step(person bigint, step bigint)
    RETURNS boolean {_SQL} AS $body$
        WITH used AS (
            UPDATE public.staff SET totp_step = step
            WHERE id = person AND totp_secret IS NOT NULL
                AND (totp_step IS NULL OR totp_step < step)
            RETURNING id
        )
        SELECT EXISTS (SELECT FROM used)
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.use_staff_recovery_code(person bigint, code bytea)
    RETURNS boolean {_SQL} AS $body$
        WITH used AS (
            UPDATE public.staff_recovery_code SET used_at = clock_timestamp()
            WHERE staff_id = person AND hash = code AND used_at IS NULL
            RETURNING staff_id
        )
        SELECT EXISTS (SELECT FROM used)
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.knows_staff_device(by_email text, device bytea)
    RETURNS boolean {_SQL} STABLE AS $body$
        SELECT EXISTS (
            SELECT FROM public.staff_device AS known
            JOIN public.staff ON staff.id = known.staff_id
            WHERE staff.email_key = lower(by_email) AND known.hash = device
                AND known.last_used_at > clock_timestamp() - interval '180 days'
        )
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.keep_staff_device(person bigint, device bytea)
    RETURNS void {_SQL} AS $body$
        INSERT INTO public.staff_device (staff_id, hash) VALUES (person, device)
        ON CONFLICT (staff_id, hash) DO UPDATE SET last_used_at = clock_timestamp();
        DELETE FROM public.staff_device WHERE staff_id = person AND hash IN (
            SELECT hash FROM public.staff_device WHERE staff_id = person
            ORDER BY last_used_at DESC OFFSET 20
        )
    $body$
    """,
)

_SESSIONS = (
    # The password must still be the one that was checked: whoever changes it waits for this, or
    # this for them. Without a tenant's slug, it is where the person was last.
    f"""
    CREATE FUNCTION abokonto.open_staff_session(
        person bigint, checked_password text, way text, slug text, token_hash bytea,
        lifetime integer, idle integer, client inet, agent text
    )
    RETURNS boolean {_PLPGSQL} AS $body$
    DECLARE
        now constant timestamptz := clock_timestamp();
    BEGIN
        PERFORM FROM public.staff
        WHERE id = person AND deactivated_at IS NULL
            AND (way <> 'PASSWORD' OR password_hash = checked_password)
        FOR SHARE;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        DELETE FROM public.access_token
        WHERE staff_id = person AND signed_in_by IS NOT NULL
            AND expires_at < now - interval '30 days';
        INSERT INTO public.access_token (
            tenant_id, kind, staff_id, name, hash, signed_in_by, created_at, expires_at,
            idle_seconds, address, last_address, user_agent
        )
        SELECT membership.tenant_id, 'STAFF', person, 'Session', token_hash, way, now,
               now + make_interval(secs => lifetime), idle, client, client, agent
        FROM public.staff_membership AS membership
        JOIN public.tenant ON tenant.id = membership.tenant_id
        WHERE membership.staff_id = person AND membership.deactivated_at IS NULL
            AND tenant.slug = coalesce(open_staff_session.slug, tenant.slug)
        ORDER BY (
            SELECT max(known.created_at) FROM public.access_token AS known
            WHERE known.tenant_id = membership.tenant_id AND known.staff_id = person
                AND known.signed_in_by IS NOT NULL
        ) DESC NULLS LAST, membership.id
        LIMIT 1;
        RETURN FOUND;
    END
    $body$
    """,
    # One session ends and another begins with its rights, its end and its way of signing in.
    f"""
    CREATE FUNCTION abokonto.switch_staff_session(
        token_hash bytea, slug text, new_hash bytea, client inet, agent text
    )
    RETURNS boolean {_PLPGSQL} AS $body$
    DECLARE
        now constant timestamptz := clock_timestamp();
        left_one public.access_token;
    BEGIN
        UPDATE public.access_token SET revoked_at = now
        WHERE hash = token_hash AND signed_in_by IS NOT NULL AND revoked_at IS NULL
        RETURNING * INTO left_one;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        INSERT INTO public.access_token (
            tenant_id, kind, staff_id, name, hash, signed_in_by, created_at, expires_at,
            idle_seconds, address, last_address, user_agent
        )
        SELECT membership.tenant_id, 'STAFF', left_one.staff_id, 'Session', new_hash,
               left_one.signed_in_by, now, left_one.expires_at, left_one.idle_seconds, client,
               client, agent
        FROM public.staff_membership AS membership
        JOIN public.tenant ON tenant.id = membership.tenant_id
        WHERE membership.staff_id = left_one.staff_id AND membership.deactivated_at IS NULL
            AND tenant.slug = switch_staff_session.slug;
        RETURN FOUND;
    END
    $body$
    """,
    # All sessions of a person that work, at whatever tenant.
    f"""
    CREATE FUNCTION abokonto.staff_sessions(person bigint)
    RETURNS TABLE (
        id bigint, tenant text, signed_in_by text, created_at timestamptz,
        last_used_at timestamptz, expires_at timestamptz, address inet, last_address inet,
        user_agent text
    )
    {_SQL} STABLE AS $body$
        SELECT token.id, tenant.name, token.signed_in_by, token.created_at, token.last_used_at,
               least(
                   token.expires_at,
                   coalesce(token.last_used_at, token.created_at)
                   + make_interval(secs => token.idle_seconds)
               ),
               token.address, token.last_address, token.user_agent
        FROM public.access_token AS token
        JOIN public.tenant ON tenant.id = token.tenant_id
        WHERE token.staff_id = person AND token.signed_in_by IS NOT NULL
            AND token.revoked_at IS NULL AND token.expires_at > clock_timestamp()
            AND coalesce(token.last_used_at, token.created_at)
                + make_interval(secs => token.idle_seconds) > clock_timestamp()
        ORDER BY token.created_at DESC, token.id DESC
    $body$
    """,
    # Ends one session of a person, or all but one; and says how many that were.
    f"""
    CREATE FUNCTION abokonto.end_staff_sessions(person bigint, one bigint, but bigint)
    RETURNS bigint {_SQL} AS $body$
        WITH ended AS (
            UPDATE public.access_token SET revoked_at = clock_timestamp()
            WHERE staff_id = person AND signed_in_by IS NOT NULL AND revoked_at IS NULL
                AND id = coalesce(one, id) AND id IS DISTINCT FROM but
            RETURNING id
        )
        SELECT count(*) FROM ended
    $body$
    """,
    # Uses are written down together and now and then, since reads can't write.
    f"""
    CREATE FUNCTION abokonto.note_uses(hashes bytea[], clients inet[], ages double precision[])
    RETURNS void {_SQL} AS $body$
        UPDATE public.access_token AS token
        SET last_used_at = greatest(token.last_used_at, used.at),
            last_address = coalesce(used.client, token.last_address)
        FROM (
            SELECT used_hash, client, clock_timestamp() - make_interval(secs => age) AS at
            FROM unnest(hashes, clients, ages) AS used (used_hash, client, age)
        ) AS used
        WHERE token.id IN (
            SELECT id FROM public.access_token WHERE hash = ANY (hashes)
            ORDER BY id FOR UPDATE
        ) AND token.hash = used.used_hash
    $body$
    """,
)

_CREDENTIALS = (
    # Nobody else's change of the password comes in between the check and this.
    f"""
    CREATE FUNCTION abokonto.change_staff_password(
        person bigint, checked_password text, new_password text
    )
    RETURNS boolean {_SQL} AS $body$
        WITH changed AS (
            UPDATE public.staff SET password_hash = new_password
            WHERE id = person AND password_hash IS NOT DISTINCT FROM checked_password
            RETURNING id
        )
        SELECT EXISTS (SELECT FROM changed)
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.offer_staff_secret(person bigint, secret bytea)
    RETURNS boolean {_SQL} AS $body$
        WITH offered AS (
            UPDATE public.staff SET totp_pending = secret
            WHERE id = person AND totp_secret IS NULL
            RETURNING id
        )
        SELECT EXISTS (SELECT FROM offered)
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.confirm_staff_secret(
        person bigint, secret bytea, step bigint, codes bytea[]
    )
    RETURNS boolean {_PLPGSQL} AS $body$
    BEGIN
        UPDATE public.staff
        SET totp_secret = totp_pending, totp_pending = NULL, totp_step = step,
            two_factor_since = clock_timestamp()
        WHERE id = person AND totp_secret IS NULL AND totp_pending = secret;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        DELETE FROM public.staff_recovery_code WHERE staff_id = person;
        INSERT INTO public.staff_recovery_code (staff_id, hash)
        SELECT person, code FROM unnest(codes) AS code;
        RETURN true;
    END
    $body$
    """,
    f"""
    CREATE FUNCTION abokonto.remove_staff_secret(person bigint)
    RETURNS boolean {_PLPGSQL} AS $body$
    BEGIN
        DELETE FROM public.staff_recovery_code WHERE staff_id = person;
        UPDATE public.staff
        SET totp_secret = NULL, totp_pending = NULL, totp_step = NULL, two_factor_since = NULL
        WHERE id = person AND totp_secret IS NOT NULL;
        RETURN FOUND;
    END
    $body$
    """,
    # By subject, and at their first sign-in by the e-mail address that the provider has verified.
    f"""
    CREATE FUNCTION abokonto.staff_of_identity(
        by_issuer text, by_subject text, verified_email text
    )
    RETURNS bigint {_PLPGSQL} AS $body$
    DECLARE
        found_staff bigint;
    BEGIN
        SELECT staff_id INTO found_staff FROM public.staff_identity
        WHERE issuer = by_issuer AND subject = by_subject;
        IF found_staff IS NULL AND verified_email IS NOT NULL THEN
            INSERT INTO public.staff_identity (issuer, subject, staff_id)
            SELECT by_issuer, by_subject, staff.id FROM public.staff
            WHERE email_key = lower(verified_email) AND deactivated_at IS NULL
                AND NOT EXISTS (
                    SELECT FROM public.staff_identity AS other
                    WHERE other.staff_id = staff.id AND other.issuer = by_issuer
                )
            ON CONFLICT DO NOTHING
            RETURNING staff_id INTO found_staff;
        END IF;
        RETURN found_staff;
    END
    $body$
    """,
)

_INVITATIONS = (
    f"""
    CREATE FUNCTION abokonto.invited(token_hash bytea)
    RETURNS TABLE (email text, name text) {_SQL} STABLE ROWS 1 AS $body$
        SELECT email, name FROM public.staff_invitation
        WHERE hash = token_hash AND accepted_at IS NULL AND revoked_at IS NULL
            AND expires_at > clock_timestamp()
    $body$
    """,
    # Whoever has the invitation has the mailbox; a person who is there already has shown their
    # password besides, and keeps it. Gives the tenant's slug.
    f"""
    CREATE FUNCTION abokonto.accept_invitation(token_hash bytea, person bigint, password text)
    RETURNS text {_PLPGSQL} AS $body$
    DECLARE
        invitation public.staff_invitation;
    BEGIN
        UPDATE public.staff_invitation SET accepted_at = clock_timestamp()
        WHERE hash = token_hash AND accepted_at IS NULL AND revoked_at IS NULL
            AND expires_at > clock_timestamp()
        RETURNING * INTO invitation;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF person IS NULL THEN
            INSERT INTO public.staff (email, name, password_hash)
            VALUES (invitation.email, invitation.name, password)
            RETURNING id INTO person;
        END IF;
        INSERT INTO public.staff_membership AS known (tenant_id, staff_id, role_id)
        VALUES (invitation.tenant_id, person, invitation.role_id)
        ON CONFLICT (tenant_id, staff_id) DO UPDATE
        SET role_id = excluded.role_id, deactivated_at = NULL;
        RETURN (SELECT slug FROM public.tenant WHERE id = invitation.tenant_id);
    END
    $body$
    """,
)


def upgrade() -> None:
    for function in (*_GUESSING, *_STAFF, *_SESSIONS, *_CREDENTIALS, *_INVITATIONS):
        op.execute(function)
