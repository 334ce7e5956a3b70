-- Twin of ../postgresql/0010_case_notes.sql: same objects, same order.
-- What consultants note about a reader in Attention. The last note that is not a plain one says whose
-- case it is. A snoozed and a resolved note name the reasons that the case had, as a JSON array of
-- texts; a taken note that names none reopens a resolved case.
-- Notes are append-only: only the erasure of their reader deletes them.

CREATE TABLE case_notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    author_user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    kind VARCHAR(20) NOT NULL
        CHECK (kind IN ('note', 'taken', 'released', 'snoozed', 'resolved')),
    text VARCHAR(500),
    until DATETIME,
    reasons TEXT,
    created_at DATETIME NOT NULL,
    CHECK (kind <> 'note' OR text IS NOT NULL),
    CHECK ((kind = 'snoozed') = (until IS NOT NULL)),
    CHECK ((kind <> 'snoozed' AND kind <> 'resolved') OR reasons IS NOT NULL),
    CHECK (length(text) <= 500)
);

CREATE INDEX idx_case_notes_user_id ON case_notes (user_id, id);
CREATE INDEX idx_case_notes_author_user_id ON case_notes (author_user_id);
CREATE INDEX idx_case_notes_changes ON case_notes (user_id, id) WHERE kind <> 'note';
CREATE INDEX idx_case_notes_resolutions ON case_notes (user_id, id)
    WHERE kind <> 'snoozed' AND reasons IS NOT NULL;
CREATE INDEX idx_case_notes_texts ON case_notes (user_id, id) WHERE text IS NOT NULL;
CREATE INDEX idx_case_notes_snoozes ON case_notes (until) WHERE kind = 'snoozed';

CREATE TRIGGER case_notes_keep_values
BEFORE UPDATE ON case_notes
BEGIN
    SELECT RAISE(ABORT, 'case notes are append-only: they cannot be changed');
END;

-- REPLACE would delete without asking the trigger below; PostgreSQL has nothing like it.
CREATE TRIGGER case_notes_keep_places
BEFORE INSERT ON case_notes
WHEN EXISTS (SELECT 1 FROM case_notes WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'case notes are append-only: they cannot be replaced');
END;

-- The erasure has its entry first.
CREATE TRIGGER case_notes_keep_rows
BEFORE DELETE ON case_notes
WHEN NOT EXISTS (
    SELECT 1 FROM consultant_access_log
    WHERE target_user_id = OLD.user_id AND action_type = 'erased_user'
)
BEGIN
    SELECT RAISE(ABORT, 'case notes are append-only: only the erasure of their reader deletes them');
END;
