"""Tokens: 256 random bits each, of which only the SHA-256 is kept."""

import hashlib
import secrets

PREFIX = "rw_"
"""Makes a leaked token recognisable to secret scanners."""

RESUME_PREFIX = "rwr_"
"""The same for a resume token."""


def new_token() -> str:
    """Return a token that was never given out before."""
    return PREFIX + secrets.token_urlsafe(32)


def new_resume_token(family: str | None = None) -> str:
    """Return a resume token that was never given out before; `family` stays when one is renewed."""
    return f"{RESUME_PREFIX}{family or secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"


def family_of(resume_token: str) -> str:
    """Return the part that a device's resume tokens share, as unknown to others as the rest."""
    return resume_token.removeprefix(RESUME_PREFIX).partition(".")[0]


def token_hash(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
