-- Twin of ../postgresql/0011_reader_hours.sql: same objects, same order.
-- What each reader did in each hour, moved in the transaction of the activity: how the figures of
-- groups and of weeks are read without history. Like activity_counts it counts the activities that
-- are in the database, so an archive lowers it.

CREATE TABLE reader_hours (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hour DATETIME NOT NULL, -- its beginning
    activities INTEGER NOT NULL,
    seconds BIGINT NOT NULL,
    PRIMARY KEY (user_id, hour)
) WITHOUT ROWID;

INSERT INTO reader_hours (user_id, hour, activities, seconds)
SELECT
    user_id, substr(occurred_at, 1, 13) || ':00:00.000', count(*),
    coalesce(sum(duration_seconds), 0)
FROM reader_activities GROUP BY 1, 2;
