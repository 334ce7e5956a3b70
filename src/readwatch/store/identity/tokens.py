"""Tokens: 256 random bits each, of which only the SHA-256 is stored."""

import hashlib
import secrets

PREFIX = "rw_"
"""Makes a leaked token recognisable to secret scanners."""

RESUME_PREFIX = "rwr_"
"""The same for a resume token."""


def new_token() -> str:
    """Return a new random session token."""
    return PREFIX + secrets.token_urlsafe(32)


def new_resume_token(family: str | None = None) -> str:
    """Return a new random resume token, of the same `family` when it replaces another."""
    return f"{RESUME_PREFIX}{family or secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"


def family_of(resume_token: str) -> str:
    """Return the part that a device's resume tokens share; it is as secret as the rest."""
    return resume_token.removeprefix(RESUME_PREFIX).partition(".")[0]


def hash_token(token: str) -> str:
    """Return the SHA-256 that the database stores of a token, as 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()
