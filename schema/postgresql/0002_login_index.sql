-- The access log calls a login 'logged_in'. The index finds the addresses from which consultants and
-- admins have logged in, so that failed logins of others do not lock them out there.
DROP INDEX idx_consultant_log_sign_ins;
CREATE INDEX idx_consultant_log_logins ON consultant_access_log (consultant_user_id, ip_address)
    WHERE action_type = 'logged_in';
