-- Twin of ../postgresql/0009_groups.sql: same objects, same order.
-- Groups of readers, such as classes. A consultant who has a row in consultant_groups sees only the
-- readers of these groups; one without sees all readers. A deleted group shows its readers to
-- nobody, and keeps its rows: otherwise a consultant of this group alone would see all readers.

CREATE TABLE reader_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(100) NOT NULL,
    created_at DATETIME NOT NULL,
    deleted_at DATETIME
);

CREATE TABLE reader_group_members (
    group_id INTEGER NOT NULL REFERENCES reader_groups (id) ON DELETE RESTRICT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at DATETIME NOT NULL,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;

CREATE TABLE consultant_groups (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES reader_groups (id) ON DELETE RESTRICT,
    assigned_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, group_id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX idx_reader_groups_name ON reader_groups (name) WHERE deleted_at IS NULL;
CREATE INDEX idx_reader_group_members_user_id ON reader_group_members (user_id);
CREATE INDEX idx_consultant_groups_group_id ON consultant_groups (group_id);
