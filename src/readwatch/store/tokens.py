"""Session tokens: 256 random bits, of which only the SHA-256 is kept."""

import hashlib
import secrets

PREFIX = "rw_"
"""Makes a leaked token recognisable to secret scanners."""


def new_token() -> str:
    """Return a token that was never given out before."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
