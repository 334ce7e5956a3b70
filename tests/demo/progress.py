"""The progress that simulated activities report."""

from readwatch.domain.activities import Activity


def progress_in_book(activity: Activity) -> tuple[str, int]:
    """Return the book and its progress in percent: no simulated activity is without them."""
    assert activity.content_id is not None
    assert activity.progress_percentage is not None
    return activity.content_id, activity.progress_percentage
