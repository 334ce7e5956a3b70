-- Twin of ../sqlite/0008_access_log_cuts.sql: same objects, same order.
-- Where a purge has cut the access log: the entries up to `last_id` are removed, and the chain goes
-- on from their last hash. The newest cut has the greatest `last_id`.

CREATE TABLE access_log_cuts (
    last_id BIGINT PRIMARY KEY, -- of the last removed entry
    entries BIGINT NOT NULL, -- numbered up to that one, with those of earlier cuts
    row_hash VARCHAR(64) NOT NULL, -- of that one
    entry_id BIGINT NOT NULL, -- of the entry that says so
    cut_at TIMESTAMPTZ NOT NULL -- the time of that entry
);

-- When these jobs were last done is found without reading the log.
CREATE INDEX idx_consultant_log_jobs ON consultant_access_log (action_type, id)
    WHERE action_type = 'checked_backup' OR action_type = 'finished_maintenance';

-- A cut is in the access log first, as its last entry, with the hash. It is further on than the
-- cuts before, and removes no entry of the last 89 days: programs keep 90, and clocks differ. The
-- functions see only the schema of the log, whatever the search_path of the program.
CREATE FUNCTION refuse_unlogged_cut() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_temp AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', TRUE);
    IF EXISTS (SELECT 1 FROM access_log_cuts WHERE last_id >= NEW.last_id)
        OR NOT EXISTS (
            SELECT 1 FROM consultant_access_log AS e, consultant_access_log AS removed
            WHERE e.id = NEW.entry_id AND e.id = (SELECT max(id) FROM consultant_access_log)
            AND e.action_type = 'cut_access_log' AND e.created_at = NEW.cut_at
            AND strpos(e.action_details, NEW.row_hash) > 0
            AND removed.id = NEW.last_id AND removed.row_hash = NEW.row_hash
        )
        OR EXISTS (
            SELECT 1 FROM consultant_access_log
            WHERE created_at > now() - INTERVAL '89 days' AND id <= NEW.last_id
        )
    THEN
        RAISE 'the access log has to say first where it is cut, at an old entry'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER access_log_cuts_are_logged
BEFORE INSERT ON access_log_cuts
FOR EACH ROW EXECUTE FUNCTION refuse_unlogged_cut();

CREATE TRIGGER access_log_cuts_keep_rows
BEFORE DELETE ON access_log_cuts
FOR EACH ROW EXECUTE FUNCTION refuse_access_log_change();

CREATE TRIGGER access_log_cuts_keep_values
BEFORE UPDATE ON access_log_cuts
FOR EACH ROW EXECUTE FUNCTION refuse_access_log_change();

-- TRUNCATE exists on this engine only.
CREATE TRIGGER access_log_cuts_keep_all
BEFORE TRUNCATE ON access_log_cuts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_log_change();

-- Only entries before a cut can be deleted.
DROP TRIGGER consultant_access_log_keeps_rows ON consultant_access_log;

CREATE FUNCTION refuse_uncut_deletion() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_temp AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', TRUE);
    IF NOT EXISTS (SELECT 1 FROM access_log_cuts WHERE last_id >= OLD.id) THEN
        RAISE EXCEPTION 'the access log is append-only: entries cannot be deleted';
    END IF;
    RETURN OLD;
END;
$$;

CREATE TRIGGER consultant_access_log_keeps_rows
BEFORE DELETE ON consultant_access_log
FOR EACH ROW EXECUTE FUNCTION refuse_uncut_deletion();
