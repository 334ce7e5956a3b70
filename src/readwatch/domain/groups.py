"""Groups of readers, such as classes or courses."""

from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.errors import invalid
from readwatch.domain.text import SafeText, clean

MAX_GROUP_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Group:
    """A group of readers."""

    id: int
    name: SafeText
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group, how many active readers belong to it, and how many consultants are assigned."""

    group: Group
    readers: int
    consultants: int


def checked_group_name(name: str) -> str:
    """Return the name with single spaces; refuse an empty, a long and an unprintable name."""
    checked = " ".join(name.split())
    if not checked:
        raise invalid("the name of a group must not be empty", field="name")
    if len(checked) > MAX_GROUP_NAME_LENGTH:
        raise invalid(
            f"the name of a group has at most {MAX_GROUP_NAME_LENGTH} characters", field="name"
        )
    if clean(checked) != checked or set('"|') & set(checked):
        raise invalid(
            "the name of a group has no control characters, quotes and vertical bars", field="name"
        )
    return checked


def group_key(name: str) -> str:
    """Return the form in which names of groups are compared: without case."""
    return " ".join(name.split()).casefold()
