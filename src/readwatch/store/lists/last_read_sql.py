"""What a reader read last, as the lists show it: joined to a row `u` of users."""

LAST_READ = """
    LEFT JOIN reader_profiles p ON p.user_id = u.id
    LEFT JOIN reader_activities a ON a.id = p.last_activity_id
    LEFT JOIN reader_content_progress c ON c.user_id = a.user_id AND c.content_id = a.content_id
"""
# Not each activity says what is read and how far; the content's rollup knows.
TITLE = "coalesce(a.content_title, c.content_title)"
PROGRESS = "coalesce(a.progress_percentage, c.progress_percentage)"
