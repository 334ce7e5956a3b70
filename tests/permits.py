"""The permit that a reader has for the own data, for tests that read what was written."""

from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import Permit, permit_own


def permit_for(user_id: int) -> Permit:
    """Return the permit that a user has for the own data."""
    return permit_own(Principal(user_id, UserRole.READER, session_id=0))
