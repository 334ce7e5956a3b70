"""Password hashes: bcrypt, whose cost is a setting."""

import functools

import bcrypt

DEFAULT_COST = 12


def hash_password(password: str, cost: int = DEFAULT_COST) -> str:
    """Return the bcrypt hash; the password was checked before (72 bytes at most)."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def password_matches(password: str, password_hash: str | None, cost: int = DEFAULT_COST) -> bool:
    """Tell whether the password is right, in the same time whether there is an account or not.

    Without a hash a decoy of the same cost is checked and the answer is no.
    """
    whole = password.encode(errors="surrogatepass")
    attempt = whole[:72]
    if password_hash is None:
        bcrypt.checkpw(attempt, _decoy(cost))
        return False
    return bcrypt.checkpw(attempt, password_hash.encode()) and len(whole) <= 72


@functools.cache
def _decoy(cost: int) -> bytes:
    return bcrypt.hashpw(b"no such account", bcrypt.gensalt(cost))
