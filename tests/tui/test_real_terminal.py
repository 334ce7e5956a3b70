"""The console in a real terminal: what else gets onto it, and how it is left."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PASSWORD, Cast
from tui.people import ReadingApp
from tui.terminal import READWATCH, Terminal, terminal

from readwatch.store.database import Database, is_sqlite

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

LEFT_AS_IT_WAS = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
FAULTY = """
import sys
from readwatch.cli.faces import Faces
from readwatch.cli.main import command_line
from readwatch.tui import app

class Faulty(app.Console):
    def _say_no(self, event):
        diary = "Dear diary"
        raise ValueError(diary)
    _say_no._textual_on = app.Console._say_no._textual_on

app.Console = Faulty
run = lambda call: app.run(call.database_url, email=call.email)
sys.argv = ["readwatch", "--database", sys.argv[1], "console"]
command_line(Faces(serve=None, console=run, demo=None))
"""


@pytest.fixture
def window(url: str, cast: Cast, tmp_path: Path) -> Iterator[Terminal]:
    command = [*READWATCH, "--database", url, "console", "--email", cast.cara.email]
    with terminal(command, TMPDIR=str(tmp_path)) as window:
        window.sees("Password")
        yield window


def test_no_text_of_a_reader_reaches_the_terminal_as_a_command(
    window: Terminal, ann: ReadingApp, db: Database
) -> None:
    clipboard, title, colour = "\x1b]52;c;ZXZpbA==\x07", "\x1b]0;evil\x1b\\", "\x9b35m"
    ann.reads(f"{clipboard}{title}{colour}\u202eDracula", metadata={"note": clipboard})
    mark = "?" if is_sqlite(db) else "%s"
    name = f"Ann{clipboard}{title}"
    db.execute_sql(f"UPDATE users SET full_name = {mark} WHERE id = {mark}", (name, ann.user.id))
    db.execute_sql("UPDATE reader_sessions SET last_heartbeat = CURRENT_TIMESTAMP")
    window.types(f"{PASSWORD}\r")
    window.sees("● LIVE", "Ann")
    window.types("2")
    window.sees("page read")
    window.types("\r")
    window.sees("of reading")
    painted = window.raw.decode()
    assert not [attack for attack in ("\x1b]52", "\x1b]0;", "\x9b", "\u202e") if attack in painted]
    window.types("q")
    assert window.ends() == 0


@pytest.mark.parametrize("engine", ["sqlite"])
def test_sigterm_leaves_the_terminal_as_it_was(window: Terminal) -> None:
    window.process.kill(signal.SIGTERM)
    assert window.ends() == 128 + signal.SIGTERM
    assert all(order in window.raw for order in LEFT_AS_IT_WAS)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_fault_of_the_program_is_told_without_the_data_that_it_met(url: str, cast: Cast) -> None:
    with terminal([sys.executable, "-c", FAULTY, url]) as window:
        window.sees("E-mail")
        window.types("eve@example.org\rsecret\r")
        assert window.ends() == 70
        assert b"a fault of the program: ValueError" in window.raw
        assert all(order in window.raw for order in LEFT_AS_IT_WAS)
        assert b"diary" not in window.raw
        assert b"secret" not in window.raw
