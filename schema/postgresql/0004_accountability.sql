-- The access log accepts only the entry that continues it: with a higher id, the hash of the last
-- entry, a hash and a time in their form. Otherwise one row could make it impossible to append
-- another one. Programs cannot set the id; the identity gives it.
CREATE FUNCTION refuse_access_log_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_id BIGINT;
    last_hash TEXT;
BEGIN
    SELECT id, row_hash INTO last_id, last_hash
    FROM consultant_access_log ORDER BY id DESC LIMIT 1;
    IF NEW.id <= coalesce(last_id, 0)
        OR NEW.prev_hash <> coalesce(last_hash, repeat('0', 64))
        OR NEW.row_hash !~ '^[0-9a-f]{64}$'
        OR NEW.created_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00'
        OR NEW.created_at <> date_trunc('milliseconds', NEW.created_at)
    THEN
        RAISE 'the access log is append-only: this entry does not follow the last one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER consultant_access_log_keeps_order
BEFORE INSERT ON consultant_access_log
FOR EACH ROW EXECUTE FUNCTION refuse_access_log_gap();

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
