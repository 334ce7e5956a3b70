-- A counter gives each entry its id. A rollback also undoes the change of the counter; an identity
-- would skip an id. Logs from before may have gaps, so the entries are counted too. The identity is
-- dropped first: that locks the log, so no entry is appended between the count and the trigger.
ALTER TABLE consultant_access_log ALTER COLUMN id DROP IDENTITY;

CREATE TABLE access_log_counter (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    entries BIGINT NOT NULL,
    last_id BIGINT NOT NULL
);
INSERT INTO access_log_counter (entries, last_id)
SELECT count(*), coalesce(max(id), 0) FROM consultant_access_log;

-- The access log accepts only the entry that continues it: with the next id, the hash of the last
-- entry, a hash and a time in their form. Otherwise one row could make it impossible to append
-- another one. No program may change the counter, so the function acts as its owner. It sees only
-- the schema of the log, whatever the search_path of the program, and nobody else may use it in a
-- trigger. Without the row of the counter the id is NULL, which the log refuses.
CREATE FUNCTION number_access_log_entry() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_temp AS $$
DECLARE
    next_id BIGINT;
    last_hash TEXT;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', TRUE);
    UPDATE access_log_counter SET entries = entries + 1, last_id = last_id + 1
    RETURNING last_id INTO next_id;
    SELECT row_hash INTO last_hash FROM consultant_access_log ORDER BY id DESC LIMIT 1;
    IF NEW.id <> next_id
        OR NEW.prev_hash <> coalesce(last_hash, repeat('0', 64))
        OR NEW.row_hash !~ '^[0-9a-f]{64}$'
        OR NEW.created_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00'
        OR NEW.created_at <> date_trunc('milliseconds', NEW.created_at)
    THEN
        RAISE 'the access log is append-only: this entry does not follow the last one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.id := next_id;
    RETURN NEW;
END;
$$;

REVOKE EXECUTE ON FUNCTION number_access_log_entry() FROM PUBLIC;

CREATE TRIGGER consultant_access_log_keeps_order
BEFORE INSERT ON consultant_access_log
FOR EACH ROW EXECUTE FUNCTION number_access_log_entry();

-- A new password of a consultant or an admin needs its entry, as the last one of the log. The
-- service reads all hashes, so it cannot prove that it knows the old password; but no program can
-- change the password of staff without a trace. Nobody has an empty hash.
CREATE FUNCTION refuse_unlogged_password() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM consultant_access_log
        WHERE id = (SELECT max(id) FROM consultant_access_log)
        AND target_user_id = OLD.id AND action_type IN ('set_password', 'changed_role')
    ) THEN
        RAISE 'the access log has to say first whose password changes'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER users_log_staff_passwords
BEFORE UPDATE OF password_hash ON users
FOR EACH ROW WHEN (OLD.user_role <> 'reader' AND NEW.password_hash <> '')
EXECUTE FUNCTION refuse_unlogged_password();

-- PostgreSQL writes this condition as it stands, also after a dump and a restore. A list of varchar
-- gets another form there, which would be a difference to the shipped schema.
ALTER TABLE users DROP CONSTRAINT users_user_role_check;
ALTER TABLE users ADD CONSTRAINT users_user_role_check
    CHECK (user_role = ANY (ARRAY['reader'::text, 'consultant'::text, 'admin'::text]));
