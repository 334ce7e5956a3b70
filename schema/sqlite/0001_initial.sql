-- Twin of ../postgresql/0001_initial.sql: same objects, same order.
-- Moments are text in UTC, always 'YYYY-MM-DD HH:MM:SS.mmm', so that they compare as text
-- with what datetime('now', ...) returns.

CREATE TABLE schema_history (
    number INTEGER PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    applied_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

-- Who uses the system -------------------------------------------------------------------------

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email VARCHAR(255) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    user_role VARCHAR(20) NOT NULL CHECK (user_role IN ('reader', 'consultant', 'admin')),
    full_name VARCHAR(255) NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT 1,
    email_verified BOOLEAN NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    deleted_at DATETIME,
    password_changed_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

-- E-mail addresses are compared without case.
CREATE UNIQUE INDEX idx_users_email ON users (lower(email));
CREATE INDEX idx_users_role ON users (user_role);
-- All that a list needs to know of who may be in it, and to sort it by name.
CREATE INDEX idx_users_active ON users (is_active, deleted_at, user_role, id, full_name);

CREATE TRIGGER update_users_timestamp
AFTER UPDATE ON users
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE users SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;

CREATE TABLE reader_profiles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    reading_level VARCHAR(50),
    preferred_language VARCHAR(10) DEFAULT 'en',
    timezone VARCHAR(50) DEFAULT 'UTC',
    last_login DATETIME,
    total_reading_time_minutes INTEGER NOT NULL DEFAULT 0,
    total_sessions INTEGER NOT NULL DEFAULT 0,
    avatar_url VARCHAR(500),
    preferences_json TEXT,
    -- Rollups, moved in the transaction of the activity.
    total_reading_seconds BIGINT NOT NULL DEFAULT 0,
    unique_content_read INTEGER NOT NULL DEFAULT 0,
    last_activity_id BIGINT,
    last_activity_at DATETIME,
    created_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE UNIQUE INDEX idx_reader_profiles_user_id ON reader_profiles (user_id);
CREATE INDEX idx_reader_profiles_last_login ON reader_profiles (last_login);

CREATE TRIGGER update_reader_profiles_timestamp
AFTER UPDATE ON reader_profiles
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE reader_profiles SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;

-- Who is here ---------------------------------------------------------------------------------

CREATE TABLE reader_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_token VARCHAR(255) NOT NULL, -- the SHA-256 of the token, never the token
    ip_address VARCHAR(45),
    user_agent TEXT,
    started_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    last_heartbeat DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    ended_at DATETIME,
    is_active BOOLEAN NOT NULL DEFAULT 1,
    device_type VARCHAR(50)
);

-- With the id, so that a reader's last session is found without the others.
CREATE INDEX idx_sessions_user_id ON reader_sessions (user_id, id);
CREATE INDEX idx_sessions_active ON reader_sessions (is_active, last_heartbeat, user_id);
CREATE UNIQUE INDEX idx_sessions_token ON reader_sessions (session_token);
-- How every server process hears soon of sessions that ended.
CREATE INDEX idx_sessions_ended ON reader_sessions (ended_at);

-- A consultant's or admin's sign-in through the API: never among the online readers.
CREATE TABLE staff_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_token VARCHAR(255) NOT NULL,
    ip_address VARCHAR(45),
    user_agent TEXT,
    started_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    ended_at DATETIME,
    is_active BOOLEAN NOT NULL DEFAULT 1
);

CREATE INDEX idx_staff_sessions_user_id ON staff_sessions (user_id);
CREATE UNIQUE INDEX idx_staff_sessions_token ON staff_sessions (session_token);
CREATE INDEX idx_staff_sessions_open ON staff_sessions (started_at) WHERE is_active = TRUE;

-- How a device whose session ended by silence gets a new one without the password: a row a device.
CREATE TABLE resume_tokens (
    family_hash VARCHAR(64) PRIMARY KEY, -- the SHA-256 of the part that all its tokens share
    token_hash VARCHAR(64) NOT NULL, -- the SHA-256 of the only one that is good
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id INTEGER NOT NULL REFERENCES reader_sessions (id) ON DELETE CASCADE,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;

CREATE INDEX idx_resume_tokens_user_id ON resume_tokens (user_id);
CREATE UNIQUE INDEX idx_resume_tokens_session_id ON resume_tokens (session_id);
CREATE INDEX idx_resume_tokens_expires_at ON resume_tokens (expires_at);

-- What slows down the guessing of passwords; survives a restart.
CREATE TABLE failed_logins (
    subject VARCHAR(64) PRIMARY KEY, -- the SHA-256 of what is counted: an account or an address
    failures INTEGER NOT NULL,
    last_failed_at DATETIME NOT NULL
) WITHOUT ROWID;

-- How those that count no longer are found.
CREATE INDEX idx_failed_logins_last_failed_at ON failed_logins (last_failed_at);

-- What they do --------------------------------------------------------------------------------

CREATE TABLE reader_activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id INTEGER REFERENCES reader_sessions (id) ON DELETE SET NULL,
    activity_type VARCHAR(50) NOT NULL,
    content_id VARCHAR(255),
    content_title VARCHAR(500),
    progress_percentage INTEGER CHECK (progress_percentage BETWEEN 0 AND 100),
    duration_seconds INTEGER CHECK (duration_seconds BETWEEN 0 AND 86400),
    metadata_json TEXT,
    event_id VARCHAR(64), -- the app's own id
    occurred_at DATETIME NOT NULL, -- by the app's clock, corrected
    created_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE INDEX idx_activities_user_id ON reader_activities (user_id);
CREATE INDEX idx_activities_session_id ON reader_activities (session_id);
CREATE INDEX idx_activities_type ON reader_activities (activity_type);
CREATE INDEX idx_activities_created_at ON reader_activities (created_at);
CREATE INDEX idx_activities_content_id ON reader_activities (content_id);
CREATE INDEX idx_activities_user_type_created
    ON reader_activities (user_id, activity_type, created_at);

-- One row an event that an app gave an id: how a retry is recognised. A table of its own, so that
-- reader_activities can be partitioned by month or distributed by user without losing uniqueness.
CREATE TABLE activity_receipts (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id VARCHAR(64) NOT NULL,
    activity_id BIGINT NOT NULL,
    fingerprint BLOB NOT NULL, -- the SHA-256 of the content
    created_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, event_id)
) WITHOUT ROWID;

-- Rollups, moved in the transaction of the activity -------------------------------------------

CREATE TABLE reader_content_progress (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content_id VARCHAR(255) NOT NULL,
    content_title VARCHAR(500),
    title_at DATETIME, -- of the activity that told the title, as not each one does
    progress_percentage INTEGER,
    progress_at DATETIME, -- of the activity that told the progress
    total_seconds BIGINT NOT NULL DEFAULT 0,
    first_at DATETIME NOT NULL,
    last_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, content_id)
) WITHOUT ROWID;

-- The last quiz of a reader with each content, as the app told how it ended.
CREATE TABLE reader_quizzes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content_id VARCHAR(255) NOT NULL, -- empty where the app names none
    passed BOOLEAN,
    score REAL,
    occurred_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, content_id)
) WITHOUT ROWID;

-- How those that failed lately are found: all that says so is in it.
CREATE INDEX idx_reader_quizzes_failed ON reader_quizzes (occurred_at, passed, score)
    WHERE passed IS NOT TRUE;

CREATE TABLE activity_counts (
    minute DATETIME NOT NULL,
    activity_type VARCHAR(50) NOT NULL,
    activities INTEGER NOT NULL,
    PRIMARY KEY (minute, activity_type)
) WITHOUT ROWID;

-- How many readers were online in a minute: what the peak of a day is found by.
CREATE TABLE online_counts (
    minute DATETIME PRIMARY KEY,
    readers INTEGER NOT NULL
) WITHOUT ROWID;

-- Who looked ----------------------------------------------------------------------------------

-- Users named here cannot be deleted, only marked as deleted: the log must keep its meaning.
CREATE TABLE consultant_access_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    consultant_user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    action_type VARCHAR(100) NOT NULL,
    target_user_id INTEGER REFERENCES users (id) ON DELETE RESTRICT,
    action_details TEXT,
    ip_address VARCHAR(45),
    created_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    prev_hash VARCHAR(64) NOT NULL,
    row_hash VARCHAR(64) NOT NULL
);

-- Both with the id, as people page through their own entries and the looks at their own data.
CREATE INDEX idx_consultant_log_consultant_id
    ON consultant_access_log (consultant_user_id, id);
CREATE INDEX idx_consultant_log_target_id ON consultant_access_log (target_user_id, id);
CREATE INDEX idx_consultant_log_created_at ON consultant_access_log (created_at);
-- Where staff signed in, so that strangers' guesses do not lock them out there.
CREATE INDEX idx_consultant_log_sign_ins ON consultant_access_log (consultant_user_id, ip_address)
    WHERE action_type = 'signed_in';
-- Two entries can never follow the same one: the chain has no forks.
CREATE UNIQUE INDEX idx_consultant_log_prev_hash ON consultant_access_log (prev_hash);

CREATE TRIGGER consultant_access_log_keeps_rows
BEFORE DELETE ON consultant_access_log
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: entries cannot be deleted');
END;

CREATE TRIGGER consultant_access_log_keeps_values
BEFORE UPDATE ON consultant_access_log
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: entries cannot be changed');
END;

-- REPLACE would delete without asking the trigger above; PostgreSQL has nothing like it.
CREATE TRIGGER consultant_access_log_keeps_places
BEFORE INSERT ON consultant_access_log
WHEN EXISTS (
    SELECT 1 FROM consultant_access_log WHERE id = NEW.id OR prev_hash = NEW.prev_hash
)
BEGIN
    SELECT RAISE(ABORT, 'the access log is append-only: entries cannot be replaced');
END;
