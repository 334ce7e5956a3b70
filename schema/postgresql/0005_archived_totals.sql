-- Twin of ../sqlite/0005_archived_totals.sql: same objects, same order.
-- What archived activities and sessions add to the rollups, so that a comparison and a rebuild are
-- right after those rows have left the database. activity_counts has no such table: it counts the
-- activities that are in the database.

CREATE TABLE archived_totals (
    user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    total_reading_seconds BIGINT NOT NULL DEFAULT 0,
    last_activity_id BIGINT,
    last_activity_at TIMESTAMPTZ,
    total_sessions INTEGER NOT NULL DEFAULT 0,
    last_login TIMESTAMPTZ
);

CREATE TABLE archived_content_progress (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content_id VARCHAR(255) NOT NULL,
    content_title VARCHAR(500),
    title_at TIMESTAMPTZ,
    progress_percentage INTEGER,
    progress_at TIMESTAMPTZ,
    total_seconds BIGINT NOT NULL DEFAULT 0,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, content_id)
);

CREATE TABLE archived_quizzes (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content_id VARCHAR(255) NOT NULL,
    passed BOOLEAN,
    score DOUBLE PRECISION,
    occurred_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, content_id)
);
