-- Twin of ../postgresql/0008_access_log_cuts.sql: same objects, same order.
-- Where a purge has cut the access log: the entries up to `last_id` are removed, and the chain goes
-- on from their last hash. The newest cut has the greatest `last_id`.

CREATE TABLE access_log_cuts (
    last_id BIGINT PRIMARY KEY, -- of the last removed entry
    entries BIGINT NOT NULL, -- numbered up to that one, with those of earlier cuts
    row_hash VARCHAR(64) NOT NULL, -- of that one
    entry_id BIGINT NOT NULL, -- of the entry that says so
    cut_at DATETIME NOT NULL -- the time of that entry
) WITHOUT ROWID;

-- When these jobs were last done is found without reading the log.
CREATE INDEX idx_consultant_log_jobs ON consultant_access_log (action_type, id)
    WHERE action_type = 'checked_backup' OR action_type = 'finished_maintenance';

-- A cut is in the access log first, as its last entry, with the hash. It is further on than the
-- cuts before, and removes no entry of the last 89 days: programs keep 90, and clocks differ.
CREATE TRIGGER access_log_cuts_are_logged
BEFORE INSERT ON access_log_cuts
WHEN EXISTS (SELECT 1 FROM access_log_cuts WHERE last_id >= NEW.last_id)
    OR NOT EXISTS (
        SELECT 1 FROM consultant_access_log AS e, consultant_access_log AS removed
        WHERE e.id = NEW.entry_id AND e.id = (SELECT max(id) FROM consultant_access_log)
        AND e.action_type = 'cut_access_log' AND e.created_at = NEW.cut_at
        AND instr(e.action_details, NEW.row_hash) > 0
        AND removed.id = NEW.last_id AND removed.row_hash = NEW.row_hash
    )
    OR EXISTS (
        SELECT 1 FROM consultant_access_log
        WHERE created_at > strftime('%Y-%m-%d %H:%M:%f', 'now', '-89 days') AND id <= NEW.last_id
    )
BEGIN
    SELECT RAISE(ABORT, 'the access log has to say first where it is cut, at an old entry');
END;

CREATE TRIGGER access_log_cuts_keep_rows
BEFORE DELETE ON access_log_cuts
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: its cuts cannot be deleted');
END;

CREATE TRIGGER access_log_cuts_keep_values
BEFORE UPDATE ON access_log_cuts
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: its cuts cannot be changed');
END;

-- Only entries before a cut can be deleted.
DROP TRIGGER consultant_access_log_keeps_rows;

CREATE TRIGGER consultant_access_log_keeps_rows
BEFORE DELETE ON consultant_access_log
WHEN NOT EXISTS (SELECT 1 FROM access_log_cuts WHERE last_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: entries cannot be deleted');
END;
