"""Proofs for tests that read what was written: nothing is logged for them."""

from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.audit import log
from readwatch.store.audit.log import ListAccess, Permit, permit_own


def permit_for(user_id: int) -> Permit:
    """Return the permit that a user has for the own data."""
    return permit_own(Principal(user_id, UserRole.READER, session_id=0))


def list_access_of(user: User) -> ListAccess:
    """Return the right of a consultant or admin to list readers, without asking the database."""
    return ListAccess(user.id, user.user_role, log._SEAL)


LIST_ACCESS = ListAccess(0, UserRole.CONSULTANT, log._SEAL)
"""The right to lists that are the same for all consultants."""
