"""The content that a reader read last, for lists: joins to a row `u` of users."""

LAST_READ = """
    LEFT JOIN reader_profiles p ON p.user_id = u.id
    LEFT JOIN reader_activities a ON a.id = p.last_activity_id
    LEFT JOIN reader_content_progress c ON c.user_id = a.user_id AND c.content_id = a.content_id
"""
# An activity may have no title and no progress; the rollup of its content has them.
TITLE = "coalesce(nullif(a.content_title, ''), c.content_title)"
PROGRESS = "coalesce(a.progress_percentage, c.progress_percentage)"
