"""Tokens: 256 secret bits; the database stores only their SHA-256.

The tokens of a login are random. Those of a resume are derived from the resume token and a random
salt, so that a repeated request gets the same tokens again. The database has the salt and only the
hash of the resume token, the app has the token and not the salt: neither yields the next tokens.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

PREFIX = "rw_"
"""The prefix by which secret scanners recognise a leaked token."""

RESUME_PREFIX = "rwr_"
"""The prefix of a resume token."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token of a session and the resume token that belongs to it."""

    session_token: str = field(repr=False)
    resume_token: str = field(repr=False)


def new_token() -> str:
    """Return a new random session token."""
    return PREFIX + secrets.token_urlsafe(32)


def new_resume_token() -> str:
    """Return a new random resume token, the first one of a device."""
    return f"{RESUME_PREFIX}{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"


def new_salt() -> str:
    """Return a new random salt for `successors`."""
    return secrets.token_urlsafe(32)


def successors(resume_token: str, salt: str) -> Tokens:
    """Return the tokens that replace `resume_token`, always the same for the same salt."""
    return Tokens(
        session_token=PREFIX + _derived(resume_token, f"session token {salt}"),
        resume_token=f"{RESUME_PREFIX}{family_of(resume_token)}."
        + _derived(resume_token, f"resume token {salt}"),
    )


def family_of(resume_token: str) -> str:
    """Return the part that all resume tokens of a device share; it is secret, too."""
    return resume_token.removeprefix(RESUME_PREFIX).partition(".")[0]


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, as 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _derived(key: str, message: str) -> str:
    """Return HMAC-SHA256 as text (https://www.rfc-editor.org/rfc/rfc2104)."""
    digest = hmac.digest(key.encode(), message.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
