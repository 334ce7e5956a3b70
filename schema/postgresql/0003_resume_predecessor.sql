-- The answer to a resume can get lost, and two tabs can resume at once: the token that was replaced
-- stays valid until its successor, or the new session, is first used. All three columns are NULL
-- after that.
ALTER TABLE resume_tokens ADD COLUMN predecessor_hash VARCHAR(64); -- the SHA-256 of that token
ALTER TABLE resume_tokens ADD COLUMN predecessor_session_id BIGINT;
ALTER TABLE resume_tokens ADD COLUMN successor_salt VARCHAR(64); -- see store/identity/tokens.py
-- Every server looks for accounts that were suspended in the last seconds.
CREATE INDEX idx_users_suspended ON users (updated_at) WHERE is_active IS FALSE;
