"""Tokens: 256 random bits; the database stores only their SHA-256."""

import hashlib
import secrets

PREFIX = "rw_"
"""The prefix by which secret scanners recognise a leaked token."""

RESUME_PREFIX = "rwr_"
"""The prefix of a resume token."""


def new_token() -> str:
    """Return a new random session token."""
    return PREFIX + secrets.token_urlsafe(32)


def new_resume_token(family: str | None = None) -> str:
    """Return a new random resume token; it has the `family` of the token that it replaces."""
    return f"{RESUME_PREFIX}{family or secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"


def family_of(resume_token: str) -> str:
    """Return the part that all resume tokens of a device share; it is secret, too."""
    return resume_token.removeprefix(RESUME_PREFIX).partition(".")[0]


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, as 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()
