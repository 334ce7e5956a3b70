"""The Peewee models of the tables; the DDL in `schema/` creates the tables."""

from datetime import datetime

import peewee

from readwatch.store.engine.times import from_db_time, to_db_time

MAX_ID = 2**63 - 1
"""The greatest id that both engines can store."""


class UtcField(peewee.Field):
    """A time in UTC: fixed-width text on SQLite, TIMESTAMPTZ on PostgreSQL."""

    field_type = "UTC"

    def db_value(self, value: datetime | None) -> str | None:
        """Return an aware datetime as text in UTC; refuse a naive one."""
        return None if value is None else to_db_time(value)

    def python_value(self, value: str | datetime | None) -> datetime | None:
        """Return an aware datetime in UTC."""
        return None if value is None else from_db_time(value)


class _Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class SchemaHistory(_Table):
    number = peewee.IntegerField(primary_key=True)
    name = peewee.CharField()
    checksum = peewee.CharField(max_length=64)
    applied_at = UtcField()

    class Meta:
        table_name = "schema_history"


class Users(_Table):
    id = peewee.BigAutoField()
    email = peewee.CharField()
    password_hash = peewee.CharField()
    user_role = peewee.CharField(max_length=20)
    full_name = peewee.CharField()
    is_active = peewee.BooleanField()
    email_verified = peewee.BooleanField()
    created_at = UtcField()
    updated_at = UtcField()
    deleted_at = UtcField(null=True)
    password_changed_at = UtcField()

    class Meta:
        table_name = "users"


class ReaderProfiles(_Table):
    id = peewee.BigAutoField()
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    reading_level = peewee.CharField(max_length=50, null=True)
    preferred_language = peewee.CharField(max_length=10, null=True)
    timezone = peewee.CharField(max_length=50, null=True)
    last_login = UtcField(null=True)
    total_reading_time_minutes = peewee.IntegerField()
    total_sessions = peewee.IntegerField()
    avatar_url = peewee.CharField(max_length=500, null=True)
    preferences_json = peewee.JSONField(null=True)
    total_reading_seconds = peewee.BigIntegerField()
    unique_content_read = peewee.IntegerField()
    last_activity_id = peewee.BigIntegerField(null=True)
    last_activity_at = UtcField(null=True)
    created_at = UtcField()
    updated_at = UtcField()

    class Meta:
        table_name = "reader_profiles"


class ReaderSessions(_Table):
    id = peewee.BigAutoField()
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    session_token = peewee.CharField()
    ip_address = peewee.CharField(max_length=45, null=True)
    user_agent = peewee.TextField(null=True)
    started_at = UtcField()
    last_heartbeat = UtcField()
    ended_at = UtcField(null=True)
    is_active = peewee.BooleanField()
    device_type = peewee.CharField(max_length=50, null=True)

    class Meta:
        table_name = "reader_sessions"


class StaffSessions(_Table):
    id = peewee.BigAutoField()
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    session_token = peewee.CharField()
    ip_address = peewee.CharField(max_length=45, null=True)
    user_agent = peewee.TextField(null=True)
    started_at = UtcField()
    ended_at = UtcField(null=True)
    is_active = peewee.BooleanField()

    class Meta:
        table_name = "staff_sessions"


class ResumeTokens(_Table):
    family_hash = peewee.CharField(max_length=64, primary_key=True)
    token_hash = peewee.CharField(max_length=64)
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    session = peewee.ForeignKeyField(ReaderSessions, on_delete="CASCADE")
    expires_at = UtcField()
    predecessor_hash = peewee.CharField(max_length=64, null=True)
    predecessor_session_id = peewee.BigIntegerField(null=True)
    successor_salt = peewee.CharField(max_length=64, null=True)

    class Meta:
        table_name = "resume_tokens"


class Invitations(_Table):
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE", primary_key=True)
    code_hash = peewee.CharField(max_length=64)
    created_at = UtcField()
    expires_at = UtcField()

    class Meta:
        table_name = "invitations"


class FailedLogins(_Table):
    subject = peewee.CharField(max_length=64, primary_key=True)
    failures = peewee.IntegerField()
    last_failed_at = UtcField()

    class Meta:
        table_name = "failed_logins"


class ReaderActivities(_Table):
    id = peewee.BigAutoField()
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    session = peewee.ForeignKeyField(ReaderSessions, null=True, on_delete="SET NULL")
    activity_type = peewee.CharField(max_length=50)
    content_id = peewee.CharField(null=True)
    content_title = peewee.CharField(max_length=500, null=True)
    progress_percentage = peewee.IntegerField(null=True)
    duration_seconds = peewee.IntegerField(null=True)
    metadata_json = peewee.JSONField(null=True)
    event_id = peewee.CharField(max_length=64, null=True)
    occurred_at = UtcField()
    created_at = UtcField()

    class Meta:
        table_name = "reader_activities"


class ActivityReceipts(_Table):
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    event_id = peewee.CharField(max_length=64)
    activity_id = peewee.BigIntegerField()
    fingerprint = peewee.BlobField()
    created_at = UtcField()

    class Meta:
        table_name = "activity_receipts"
        primary_key = peewee.CompositeKey("user", "event_id")


class _ContentProgress(_Table):
    """The columns of a rollup, and of its twin for archived activities."""

    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    content_id = peewee.CharField()
    content_title = peewee.CharField(max_length=500, null=True)
    title_at = UtcField(null=True)
    progress_percentage = peewee.IntegerField(null=True)
    progress_at = UtcField(null=True)
    total_seconds = peewee.BigIntegerField()
    first_at = UtcField()
    last_at = UtcField()

    class Meta:
        primary_key = peewee.CompositeKey("user", "content_id")


class ReaderContentProgress(_ContentProgress):
    class Meta:
        table_name = "reader_content_progress"


class _Quizzes(_Table):
    """The columns of a rollup, and of its twin for archived quizzes."""

    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    content_id = peewee.CharField()
    passed = peewee.BooleanField(null=True)
    score = peewee.DoubleField(null=True)
    occurred_at = UtcField()

    class Meta:
        primary_key = peewee.CompositeKey("user", "content_id")


class ReaderQuizzes(_Quizzes):
    class Meta:
        table_name = "reader_quizzes"


class ArchivedTotals(_Table):
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE", primary_key=True)
    total_reading_seconds = peewee.BigIntegerField()
    last_activity_id = peewee.BigIntegerField(null=True)
    last_activity_at = UtcField(null=True)
    total_sessions = peewee.IntegerField()
    last_login = UtcField(null=True)

    class Meta:
        table_name = "archived_totals"


class ReaderHours(_Table):
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    hour = UtcField()
    activities = peewee.IntegerField()
    seconds = peewee.BigIntegerField()

    class Meta:
        table_name = "reader_hours"
        primary_key = peewee.CompositeKey("user", "hour")


class ArchivedContentProgress(_ContentProgress):
    class Meta:
        table_name = "archived_content_progress"


class ArchivedQuizzes(_Quizzes):
    class Meta:
        table_name = "archived_quizzes"


class ActivityArchives(_Table):
    folder = peewee.TextField()
    name = peewee.CharField()
    first_activity_id = peewee.BigIntegerField()
    last_activity_id = peewee.BigIntegerField()
    activities = peewee.IntegerField()
    oldest_at = UtcField()
    newest_at = UtcField()
    sha256 = peewee.CharField(max_length=64, null=True)
    created_at = UtcField()
    moved_at = UtcField(null=True)

    class Meta:
        table_name = "activity_archives"
        primary_key = peewee.CompositeKey("folder", "name")


class ActivityCounts(_Table):
    minute = UtcField()
    activity_type = peewee.CharField(max_length=50)
    activities = peewee.IntegerField()

    class Meta:
        table_name = "activity_counts"
        primary_key = peewee.CompositeKey("minute", "activity_type")


class OnlineCounts(_Table):
    minute = UtcField(primary_key=True)
    readers = peewee.IntegerField()

    class Meta:
        table_name = "online_counts"


class ReaderGroups(_Table):
    id = peewee.BigAutoField()
    name = peewee.CharField(max_length=100)
    created_at = UtcField()
    deleted_at = UtcField(null=True)

    class Meta:
        table_name = "reader_groups"


class ReaderGroupMembers(_Table):
    group = peewee.ForeignKeyField(ReaderGroups, on_delete="RESTRICT")
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    added_at = UtcField()

    class Meta:
        table_name = "reader_group_members"
        primary_key = peewee.CompositeKey("group", "user")


class ConsultantGroups(_Table):
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    group = peewee.ForeignKeyField(ReaderGroups, on_delete="RESTRICT")
    assigned_at = UtcField()

    class Meta:
        table_name = "consultant_groups"
        primary_key = peewee.CompositeKey("user", "group")


class CaseNotes(_Table):
    id = peewee.BigAutoField()
    user = peewee.ForeignKeyField(Users, on_delete="CASCADE")
    author_user = peewee.ForeignKeyField(Users, on_delete="RESTRICT")
    kind = peewee.CharField(max_length=20)
    text = peewee.CharField(max_length=500, null=True)
    until = UtcField(null=True)
    reasons = peewee.TextField(null=True)
    created_at = UtcField()

    class Meta:
        table_name = "case_notes"


class ConsultantAccessLog(_Table):
    id = peewee.BigAutoField()
    consultant_user = peewee.ForeignKeyField(Users, on_delete="RESTRICT")
    action_type = peewee.CharField(max_length=100)
    target_user = peewee.ForeignKeyField(Users, null=True, on_delete="RESTRICT")
    action_details = peewee.TextField(null=True)
    ip_address = peewee.CharField(max_length=45, null=True)
    created_at = UtcField()
    prev_hash = peewee.CharField(max_length=64)
    row_hash = peewee.CharField(max_length=64)

    class Meta:
        table_name = "consultant_access_log"


class AccessLogCuts(_Table):
    last_id = peewee.BigIntegerField(primary_key=True)
    entries = peewee.BigIntegerField()
    row_hash = peewee.CharField(max_length=64)
    entry_id = peewee.BigIntegerField()
    cut_at = UtcField()

    class Meta:
        table_name = "access_log_cuts"


TABLES: tuple[type[peewee.Model], ...] = (
    SchemaHistory,
    Users,
    ReaderProfiles,
    ReaderSessions,
    StaffSessions,
    ResumeTokens,
    Invitations,
    FailedLogins,
    ReaderActivities,
    ActivityReceipts,
    ReaderContentProgress,
    ReaderQuizzes,
    ReaderHours,
    ArchivedTotals,
    ArchivedContentProgress,
    ArchivedQuizzes,
    ActivityArchives,
    ActivityCounts,
    OnlineCounts,
    ReaderGroups,
    ReaderGroupMembers,
    ConsultantGroups,
    CaseNotes,
    ConsultantAccessLog,
    AccessLogCuts,
)
