"""Permits for tests, without entries in the access log."""

from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.audit import log
from readwatch.store.audit.log import ListAccess, Permit, RowAccess, permit_own_data
from readwatch.store.audit.scope import ALL_READERS, Scope


def permit_for(user_id: int) -> Permit:
    """Return the permit of a user for the user's own data."""
    return permit_own_data(Principal(user_id, UserRole.READER, session_id=0))


def list_access_of(user: User) -> ListAccess:
    """Return the right of a consultant or admin to find the rows of lists, without a query."""
    return ListAccess(user.id, user.user_role, _all_readers(user.id), log._SEAL)


def row_access_of(user: User) -> RowAccess:
    """Return the right of a consultant or admin to read the rows of lists, without an entry."""
    return RowAccess(user.id, user.user_role, _all_readers(user.id), log._SEAL)


def _all_readers(user_id: int) -> Scope:
    return Scope(user_id, is_limited=False)


LIST_ACCESS = ListAccess(0, UserRole.CONSULTANT, ALL_READERS, log._SEAL)
"""A consultant's right to find the rows of lists that are equal for all consultants."""

ROW_ACCESS = RowAccess(0, UserRole.CONSULTANT, ALL_READERS, log._SEAL)
"""A consultant's right to read the rows of these lists."""
