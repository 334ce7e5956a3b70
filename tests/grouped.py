"""Groups for tests: who is in them, and who is limited to them."""

from datetime import UTC, datetime

from readwatch.domain.groups import Group
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def put_into(db: Database, name: str, *readers: User) -> Group:
    """Add readers to a group, which is new if no group has the name."""
    with db.atomic():
        found = [group for group in groups.groups(db) if group.name == name]
        group = found[0] if found else groups.add_group(db, name, _NOW)
        groups.add_members(db, [(group.id, reader.id) for reader in readers], _NOW)
    return group


def limit(db: Database, consultant: User, *names: str) -> None:
    """Limit a consultant to the readers of these groups."""
    with db.atomic():
        for name in names:
            groups.assign(db, groups.find_group(db, name), consultant.id, _NOW)
