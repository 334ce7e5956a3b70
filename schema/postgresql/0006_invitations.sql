-- Twin of ../sqlite/0006_invitations.sql: same objects, same order.
-- Codes with which people set their own password, one per user: a new invitation replaces the one
-- before. A code that was used or withdrawn has no row.

CREATE TABLE invitations (
    user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code_hash VARCHAR(64) NOT NULL, -- SHA-256
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX idx_invitations_code_hash ON invitations (code_hash);
CREATE INDEX idx_invitations_expires_at ON invitations (expires_at);

-- Whoever has a code can take over the account, so the access log says first who is invited: the
-- last entry about this user has the time of the invitation.
CREATE FUNCTION refuse_unlogged_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM (
            SELECT action_type, created_at FROM consultant_access_log
            WHERE target_user_id = NEW.user_id ORDER BY id DESC LIMIT 1
        ) AS last
        WHERE action_type IN ('added_user', 'invited_user') AND created_at = NEW.created_at
    ) THEN
        RAISE 'the access log has to say first who is invited'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER invitations_are_logged
BEFORE INSERT ON invitations
FOR EACH ROW EXECUTE FUNCTION refuse_unlogged_invitation();

-- The counter of the access log changes once for each statement, not once for each entry: a
-- transaction that changes one row thousands of times becomes slower with each change. Each row
-- still gets its id, and locks the counter, so that ids are given in the order of the commits. The
-- counter grows by the number of entries; what was inserted without it stays a difference.
CREATE OR REPLACE FUNCTION number_access_log_entry() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_temp AS $$
DECLARE
    numbered_up_to BIGINT;
    last_entry_id BIGINT;
    last_hash TEXT;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', TRUE);
    SELECT last_id INTO numbered_up_to FROM access_log_counter FOR UPDATE;
    -- The entries before this one, also those of the same statement.
    SELECT id, row_hash INTO last_entry_id, last_hash
    FROM consultant_access_log ORDER BY id DESC LIMIT 1;
    IF NEW.id <> 1 + greatest(numbered_up_to, coalesce(last_entry_id, 0))
        OR NEW.prev_hash <> coalesce(last_hash, repeat('0', 64))
        OR NEW.row_hash !~ '^[0-9a-f]{64}$'
        OR NEW.created_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00'
        OR NEW.created_at <> date_trunc('milliseconds', NEW.created_at)
    THEN
        RAISE 'the access log is append-only: this entry does not follow the last one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Without the row of the counter the id is NULL, which the log refuses.
    NEW.id := 1 + CASE
        WHEN last_entry_id > numbered_up_to THEN last_entry_id ELSE numbered_up_to
    END;
    RETURN NEW;
END;
$$;

CREATE FUNCTION count_access_log_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_temp AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', TRUE);
    UPDATE access_log_counter SET
        entries = entries + (SELECT count(*) FROM appended),
        last_id = last_id + (SELECT count(*) FROM appended);
    RETURN NULL;
END;
$$;

REVOKE EXECUTE ON FUNCTION count_access_log_entries() FROM PUBLIC;

CREATE TRIGGER consultant_access_log_counts_entries
AFTER INSERT ON consultant_access_log REFERENCING NEW TABLE AS appended
FOR EACH STATEMENT EXECUTE FUNCTION count_access_log_entries();
