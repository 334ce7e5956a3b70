-- Twin of ../sqlite/0012_session_starts.sql: same objects, same order.
-- The sessions of a day, and those at a time of the past, are found without the rest of history.
CREATE INDEX idx_sessions_started ON reader_sessions (started_at);
