-- Twin of ../sqlite/0007_activity_archives.sql: same objects, same order.
-- The files that archived activities are in. A file without sha256 is not complete yet; an archive
-- without moved_at still has activities in the database.

CREATE TABLE activity_archives (
    folder TEXT NOT NULL,
    name VARCHAR(255) NOT NULL,
    first_activity_id BIGINT NOT NULL,
    last_activity_id BIGINT NOT NULL,
    activities INTEGER NOT NULL,
    oldest_at TIMESTAMPTZ NOT NULL, -- the first and the last arrival
    newest_at TIMESTAMPTZ NOT NULL,
    sha256 VARCHAR(64), -- of the file
    created_at TIMESTAMPTZ NOT NULL,
    moved_at TIMESTAMPTZ,
    PRIMARY KEY (folder, name)
);
