"""The list of erased accounts: what is written is read again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from readwatch.domain.erasure_list import (
    ErasedAccount,
    append_erased_account,
    read_erased_accounts,
)
from readwatch.domain.errors import ReadwatchError

ADDED = datetime(2026, 11, 1, 8, 0, 0, 815_000, tzinfo=UTC)
ERASED = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def test_accounts_are_appended_in_a_file_of_their_owner(tmp_path: Path) -> None:
    file = tmp_path / "state" / "erased.txt"
    assert read_erased_accounts(file) == ()
    accounts = ErasedAccount(ERASED, 7, ADDED), ErasedAccount(ERASED, 8, ADDED)
    for account in accounts:
        append_erased_account(file, account)
    assert read_erased_accounts(file) == accounts
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["7\n", "2026-11-29T03:00:00+00:00 7 soon\n", "half a li"])
def test_another_line_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "erased.txt"
    file.write_text(ErasedAccount(ERASED, 7, ADDED).line + line)
    with pytest.raises(ReadwatchError, match="line 2 of the list of erased accounts"):
        read_erased_accounts(file)
