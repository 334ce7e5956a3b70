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

-- Whoever has a code can take over the account, so the access log says first who is invited: an
-- entry about this user with the time of the invitation.
CREATE FUNCTION refuse_unlogged_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM consultant_access_log
        WHERE target_user_id = NEW.user_id AND created_at = NEW.created_at
        AND action_type IN ('added_user', 'invited_user')
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
