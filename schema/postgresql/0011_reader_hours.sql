-- Twin of ../sqlite/0011_reader_hours.sql: same objects, same order.
-- What each reader did in each hour, moved in the transaction of the activity: how the figures of
-- groups and of weeks are read without history. Like activity_counts it counts the activities that
-- are in the database, so an archive lowers it.

CREATE TABLE reader_hours (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hour TIMESTAMPTZ NOT NULL, -- its beginning
    activities INTEGER NOT NULL,
    seconds BIGINT NOT NULL,
    PRIMARY KEY (user_id, hour)
);

INSERT INTO reader_hours (user_id, hour, activities, seconds)
SELECT
    user_id, date_trunc('hour', occurred_at, 'UTC'), count(*), coalesce(sum(duration_seconds), 0)
FROM reader_activities GROUP BY 1, 2;
