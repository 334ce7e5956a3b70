-- The access log accepts only the entry that continues it: with the next id, the hash of the last
-- entry, a hash and a time in their form. Otherwise one row could make it impossible to append
-- another one. AFTER, because NEW.id is not known before; the statement's own id is not yet in
-- sqlite_sequence. lower() makes text of a BLOB, which is then another value.
CREATE TRIGGER consultant_access_log_keeps_order
AFTER INSERT ON consultant_access_log
WHEN NEW.id IS NOT 1 + max(
        coalesce((SELECT max(id) FROM consultant_access_log WHERE id < NEW.id), 0),
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'consultant_access_log'), 0)
    )
    OR NEW.prev_hash IS NOT coalesce(
        (SELECT row_hash FROM consultant_access_log WHERE id < NEW.id ORDER BY id DESC LIMIT 1),
        '0000000000000000000000000000000000000000000000000000000000000000'
    )
    OR length(NEW.row_hash) <> 64 OR NEW.row_hash GLOB '*[^0-9a-f]*'
    OR NEW.row_hash IS NOT lower(NEW.row_hash)
    OR NEW.created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', NEW.created_at)
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: this entry does not follow the last one');
END;

-- A new password of a consultant or an admin needs its entry, as the last one of the log. A trigger
-- cannot know who writes, and the service reads all hashes, so it cannot ask for the old password;
-- but no program can change the password of staff without a trace. Nobody has an empty hash.
CREATE TRIGGER users_log_staff_passwords
BEFORE UPDATE OF password_hash ON users
WHEN OLD.user_role <> 'reader' AND NEW.password_hash <> ''
    AND NOT EXISTS (
        SELECT 1 FROM consultant_access_log
        WHERE id = (SELECT max(id) FROM consultant_access_log)
        AND target_user_id = OLD.id AND action_type IN ('set_password', 'changed_role')
    )
BEGIN
    SELECT RAISE(ABORT, 'the access log has to say first whose password changes');
END;
