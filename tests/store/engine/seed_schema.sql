-- The schema of the seed document, verbatim: what our own has to contain.

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    user_role VARCHAR(20) NOT NULL CHECK(user_role IN ('reader', 'consultant', 'admin')),
    full_name VARCHAR(255) NOT NULL,
    is_active BOOLEAN DEFAULT 1,
    email_verified BOOLEAN DEFAULT 0,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    deleted_at DATETIME DEFAULT NULL
);

-- Trigger to auto-update updated_at
CREATE TRIGGER update_users_timestamp
AFTER UPDATE ON users
FOR EACH ROW
BEGIN
    UPDATE users SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;

CREATE TABLE reader_profiles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER UNIQUE NOT NULL,
    reading_level VARCHAR(50),
    preferred_language VARCHAR(10) DEFAULT 'en',
    timezone VARCHAR(50) DEFAULT 'UTC',
    last_login DATETIME,
    total_reading_time_minutes INTEGER DEFAULT 0,
    total_sessions INTEGER DEFAULT 0,
    avatar_url VARCHAR(500),
    preferences_json TEXT, -- Store flexible preferences as JSON
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TRIGGER update_reader_profiles_timestamp
AFTER UPDATE ON reader_profiles
FOR EACH ROW
BEGIN
    UPDATE reader_profiles SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;

CREATE TABLE reader_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    session_token VARCHAR(255) UNIQUE NOT NULL,
    ip_address VARCHAR(45),
    user_agent TEXT,
    started_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    last_heartbeat DATETIME DEFAULT CURRENT_TIMESTAMP,
    ended_at DATETIME DEFAULT NULL,
    is_active BOOLEAN DEFAULT 1,
    device_type VARCHAR(50), -- 'mobile', 'tablet', 'desktop'
    FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE reader_activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    session_id INTEGER,
    activity_type VARCHAR(50) NOT NULL, -- 'page_read', 'bookmark_added', 'annotation', 'quiz_completed', etc.
    content_id VARCHAR(255), -- Reference to what was read (book ID, chapter ID, etc.)
    content_title VARCHAR(500),
    progress_percentage INTEGER, -- Reading progress (0-100)
    duration_seconds INTEGER, -- Time spent on activity
    metadata_json TEXT, -- Flexible JSON for activity-specific data
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
    FOREIGN KEY (session_id) REFERENCES reader_sessions(id) ON DELETE SET NULL
);

CREATE TABLE consultant_access_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    consultant_user_id INTEGER NOT NULL,
    action_type VARCHAR(100) NOT NULL, -- 'viewed_reader_profile', 'exported_report', 'modified_settings', etc.
    target_user_id INTEGER, -- Which reader was accessed (if applicable)
    action_details TEXT,
    ip_address VARCHAR(45),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (consultant_user_id) REFERENCES users(id) ON DELETE CASCADE,
    FOREIGN KEY (target_user_id) REFERENCES users(id) ON DELETE SET NULL
);

-- Users table indexes
CREATE INDEX idx_users_email ON users(email);
CREATE INDEX idx_users_role ON users(user_role);
CREATE INDEX idx_users_active ON users(is_active, deleted_at);

-- Reader profiles indexes
CREATE INDEX idx_reader_profiles_user_id ON reader_profiles(user_id);
CREATE INDEX idx_reader_profiles_last_login ON reader_profiles(last_login);

-- Reader sessions indexes (CRITICAL for real-time monitoring)
CREATE INDEX idx_sessions_user_id ON reader_sessions(user_id);
CREATE INDEX idx_sessions_active ON reader_sessions(is_active, last_heartbeat);
CREATE INDEX idx_sessions_token ON reader_sessions(session_token);

-- Reader activities indexes (MOST CRITICAL - high volume table)
CREATE INDEX idx_activities_user_id ON reader_activities(user_id);
CREATE INDEX idx_activities_session_id ON reader_activities(session_id);
CREATE INDEX idx_activities_type ON reader_activities(activity_type);
CREATE INDEX idx_activities_created_at ON reader_activities(created_at);
CREATE INDEX idx_activities_content_id ON reader_activities(content_id);
-- Composite index for consultant dashboard queries
CREATE INDEX idx_activities_user_type_created ON reader_activities(user_id, activity_type, created_at);

-- Consultant access log indexes
CREATE INDEX idx_consultant_log_consultant_id ON consultant_access_log(consultant_user_id);
CREATE INDEX idx_consultant_log_target_id ON consultant_access_log(target_user_id);
CREATE INDEX idx_consultant_log_created_at ON consultant_access_log(created_at);
