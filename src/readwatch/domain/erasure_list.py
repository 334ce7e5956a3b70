"""The list of erased accounts, outside of the database: a backup may bring some of them back."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from readwatch.domain.clock import in_utc
from readwatch.domain.errors import invalid
from readwatch.domain.files import make_private_folders, owner_only_opener, sync


@dataclass(frozen=True, slots=True)
class ErasedAccount:
    """An erased account, by its number and the time when it was added: nothing personal."""

    erased_at: datetime
    user_id: int
    added_at: datetime

    @property
    def line(self) -> str:
        """The account as a line of the list: time of the erasure, number, time of the addition."""
        erased_at = in_utc(self.erased_at).isoformat(timespec="seconds")
        return f"{erased_at} {self.user_id} {in_utc(self.added_at).isoformat()}\n"


_LINE = re.compile(r"(\S+) (\d{1,19}) (\S+)\n", re.ASCII)


def append_erased_account(file: Path, account: ErasedAccount) -> None:
    """Append an account to the list, on disk when this returns; OSError if it cannot be written."""
    make_private_folders(file.parent)
    with open(file, "a", encoding="ascii", opener=owner_only_opener) as lines:
        lines.write(account.line)
        sync(lines)


def read_erased_accounts(file: Path) -> tuple[ErasedAccount, ...]:
    """Return the accounts of the list, none without a file; a malformed line is an error."""
    if not file.exists():
        return ()
    lines = file.read_bytes().decode("ascii", errors="replace").splitlines(keepends=True)
    return tuple(_parsed(line, number) for number, line in enumerate(lines, 1))


def _parsed(line: str, number: int) -> ErasedAccount:
    match = _LINE.fullmatch(line)
    try:
        if match is not None:
            erased_at, user_id, added_at = match.groups()
            return ErasedAccount(
                in_utc(datetime.fromisoformat(erased_at)),
                int(user_id),
                in_utc(datetime.fromisoformat(added_at)),
            )
    except ValueError:
        pass
    raise invalid(
        f"line {number} of the list of erased accounts is none: the time of the erasure, the "
        "number of the account and the time of its addition are expected"
    )
