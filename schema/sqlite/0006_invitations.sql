-- Twin of ../postgresql/0006_invitations.sql: same objects, same order.
-- Codes with which people set their own password, one per user: a new invitation replaces the one
-- before. A code that was used or withdrawn has no row.

CREATE TABLE invitations (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code_hash VARCHAR(64) NOT NULL, -- SHA-256
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX idx_invitations_code_hash ON invitations (code_hash);
CREATE INDEX idx_invitations_expires_at ON invitations (expires_at);

-- Whoever has a code can take over the account, so the access log says first who is invited: the
-- last entry about this user has the time of the invitation.
CREATE TRIGGER invitations_are_logged
BEFORE INSERT ON invitations
WHEN NOT EXISTS (
    SELECT 1 FROM (
        SELECT action_type, created_at FROM consultant_access_log
        WHERE target_user_id = NEW.user_id ORDER BY id DESC LIMIT 1
    ) WHERE action_type IN ('added_user', 'invited_user') AND created_at = NEW.created_at
)
BEGIN
    SELECT RAISE(ABORT, 'the access log has to say first who is invited');
END;

-- The twin also changes how entries of the access log are counted; SQLite counts them itself.
