"""Authentication: the principal of the bearer token of a request."""

from flask import request

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.ingest.services import current_services
from readwatch.store.identity.tokens import hash_token


def current_principal() -> Principal:
    """Return the principal of the request; without a valid token the response is 401."""
    services = current_services()
    principal = services.session_cache.find(current_token_hash(), services.now())
    if principal is None:
        raise ReadwatchError(
            ErrorKind.UNAUTHENTICATED, "this token is not valid; log in again for a new one"
        )
    return principal


def current_token_hash() -> str:
    """Return the hash of the bearer token of the request; without one the response is 401."""
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ReadwatchError(
            ErrorKind.UNAUTHENTICATED, "a token is required: Authorization: Bearer <token>"
        )
    return hash_token(token.strip())
