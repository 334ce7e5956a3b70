"""The bytes that go out to a real terminal: words, and the commands of Textual's driver alone."""

import re
from pathlib import Path

import pytest
from conftest import PASSWORD, Cast
from tui.real_terminal import READWATCH, terminal
from tui.test_hostile_text import mallories

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\)|\x1b.", re.DOTALL)
OF_THE_DRIVER = re.compile(
    r"""\x1b\]22;default\x07      # the shape of the mouse's pointer
    | \x1b\]2;(\([0-9]+\)\ )?readwatch\x07
    | \x1b\[(
        [0-9;]*m                # colours and such
        | [0-9;]*H              # a place
        | [0-9]+G               # a column
        | \?[0-9]+[hl]          # a mode: the other screen, the mouse, pastes
        | \?[0-9]+\$p           # asks for one
        | >[0-9]+u | <u         # which keys are told apart
        | 2[23];2t              # keeps the title of the window, and gives it back
    )""",
    re.VERBOSE,
)
NOT_OF_TEXT = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]"
)
ACTING = ("a clipboard", "a title", "a cleared screen", "C1", "NUL", "an override")


def test_only_words_and_the_drivers_own_commands_go_out_whatever_readers_wrote(
    url: str, cast: Cast, db: Database, tmp_path: Path
) -> None:
    readers = mallories(db, system_clock, ACTING)
    command = [*READWATCH, "--database", url, "console", "--email", cast.cara.email]
    with terminal(command, environment={"HOME": str(tmp_path)}) as window:
        window.sees("Password")
        window.types(f"{PASSWORD}\r")
        window.sees("● LIVE", "State", "␛")
        for key, title in (("2", "Time"), ("3", "Last login"), ("1", "State")):
            window.types(key)
            window.sees(title, "● LIVE", "␛")
        window.types("e")
        window.sees(".csv")
        window.types("\x15")
        window.loses(".csv  ")
        window.types(f"{tmp_path / 'all.csv'}")
        window.sees("all.csv")
        window.types("\r")
        window.sees(f"wrote {readers} rows to")
        window.types("\r")
        for number in range(1, readers + 1):
            window.sees(f"({number} of {readers})", "of reading")
            window.types(" ")
            window.sees('"note":')
            window.types("}")
        window.sees("last reader")
        window.types("q")
        assert window.ends() == 0
    assert not NOT_OF_TEXT.search((tmp_path / "all.csv").read_text(encoding="utf-8"))
    painted = window.raw.decode()
    commands = {*SEQUENCE.findall(painted)}
    assert {command for command in commands if not OF_THE_DRIVER.fullmatch(command)} == set()
    assert not NOT_OF_TEXT.search(SEQUENCE.sub("", painted))
