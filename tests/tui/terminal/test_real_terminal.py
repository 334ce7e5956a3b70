"""The console in a real terminal: what else gets onto it, and how it is left."""

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PASSWORD, Cast
from reading_app import ReadingApp
from tui.real_terminal import READWATCH, Terminal, terminal

from readwatch.store.engine.connections import Database

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

LEFT_AS_IT_WAS = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
# A terminal that is closed tells this program, which then keeps it to itself.
SAYS_NOTHING = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(subprocess.call(sys.argv[1:], start_new_session=True))
"""
FAULTY = """
import sys
from readwatch.cli.main import main
from readwatch.tui.screens.login import LoginScreen

def refuse(screen, reason):
    diary = "Dear diary"
    raise ValueError(diary)

LoginScreen.refuse = refuse
sys.argv = ["readwatch", "--database", sys.argv[1], "console"]
main()
"""


@pytest.fixture
def command(url: str, cast: Cast) -> list[str]:
    return [*READWATCH, "--database", url, "console", "--email", cast.cara.email]


@pytest.fixture
def window(command: list[str], tmp_path: Path) -> Iterator[Terminal]:
    with terminal(command, environment={"TMPDIR": str(tmp_path)}) as window:
        window.sees("Password")
        yield window


@pytest.mark.parametrize("engine", ["sqlite"])
def test_while_the_disk_is_full_no_page_is_shown_and_the_lists_go_on(
    url: str, cast: Cast, ann: ReadingApp, db: Database, tmp_path: Path
) -> None:
    ann.reads("Dracula")
    db.execute_sql("UPDATE reader_sessions SET last_heartbeat = CURRENT_TIMESTAMP")
    full = tmp_path / "full"
    disk = {
        "PYTHONPATH": str(Path(__file__).parents[2] / "endurance" / "full_disk"),
        "READWATCH_TEST_DISK_IS_FULL": str(full),
    }
    command = [*READWATCH, "--database", url, "console", "--email", cast.cara.email]
    with terminal(command, environment=disk) as window:
        window.sees("Password")
        window.types(f"{PASSWORD}\r")
        window.sees("● LIVE", "Ann")
        full.touch()
        window.types("\r")
        window.sees("is not shown", "could not be logged: the disk of the database is full")
        assert "Dracula" not in window.screen
        full.unlink()
        window.types("\x1b")
        window.sees("● LIVE", "Dracula")
        window.types("\r")
        window.sees("ann@example.org")
        window.types("q")
        assert window.ends() == 0


@pytest.mark.parametrize("engine", ["sqlite"])
def test_sigterm_leaves_the_terminal_as_it_was(window: Terminal) -> None:
    window.process.kill(signal.SIGTERM)
    assert window.ends() == 128 + signal.SIGTERM
    assert all(order in window.raw for order in LEFT_AS_IT_WAS)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("option", "environment"),
    [
        (["--ascii"], {}),
        ([], {"TERM": "linux"}),
        ([], {"TERM": "dumb"}),
        ([], {"PYTHONIOENCODING": "iso8859-1"}),
    ],
)
def test_a_terminal_without_marks_gets_ascii(
    command: list[str], ann: ReadingApp, option: list[str], environment: dict[str, str]
) -> None:
    ann.reads("Dracula")
    with terminal([*command, *option], environment=environment) as window:
        window.sees("Password", "+------")
        window.types(f"{PASSWORD}\r")
        window.sees("* LIVE", "_")
        window.types("3?")
        window.sees("Keys", "only rows that match", "+------")
        assert not {char for char in window.raw.decode() if not char.isascii()}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_without_colours_there_are_none_and_the_cursor_is_seen(
    command: list[str], ann: ReadingApp, theme: str
) -> None:
    ann.reads("Dracula")
    with terminal([*command, "--theme", theme], environment={"NO_COLOR": "1"}) as window:
        window.sees("Password", "╭──")
        window.types(f"{PASSWORD}\r")
        window.sees("● LIVE")
        window.types("3")
        window.sees("▌ Ann")
    styles = {*b";".join(re.findall(rb"\x1b\[([0-9;]*)m", window.raw)).split(b";")}
    of_the_terminal = {b"39", b"49"}
    assert styles <= {b"0", b"1", b"2", b"3", b"4", b"7", *of_the_terminal}
    assert b"7" in styles


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_password_that_is_typed_while_the_console_starts_is_kept_and_not_shown(
    command: list[str],
) -> None:
    with_settings = ["sh", "-c", 'sh -c "$0" && stty -a', " ".join(command)]
    with terminal(with_settings) as window:
        window.until(lambda: not window.process.getecho())
        assert window.raw == b"", "nothing is painted yet"
        window.types(PASSWORD)
        window.sees("Password", "•" * len(PASSWORD))
        window.types("\r")
        window.sees("● LIVE")
        window.types("q")
        window.sees(" echo ")
    assert PASSWORD.encode() not in window.raw


@pytest.mark.parametrize("engine", ["sqlite"])
def test_ctrl_z_hands_the_terminal_to_the_shell_until_the_console_goes_on(
    window: Terminal, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    window.types(f"{PASSWORD}\r")
    window.sees("● LIVE")
    window.types("\x1a")
    state = Path(f"/proc/{window.process.pid}/stat")
    window.until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
    window.until(lambda: all(order in window.raw for order in LEFT_AS_IT_WAS))
    assert window.process.getecho()
    window.raw = b""
    window.process.kill(signal.SIGCONT)
    window.types("3")
    window.sees("● LIVE", "Titles", "Ann")
    assert b"\x1b[?1049h" in window.raw
    window.types("q")
    assert window.ends() == 0


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_console_ends_with_its_window(window: Terminal) -> None:
    window.closes()
    assert window.ends_unseen() == 128 + signal.SIGHUP


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_console_ends_with_a_window_that_says_nothing(command: list[str]) -> None:
    with terminal([sys.executable, "-c", SAYS_NOTHING, *command]) as window:
        window.sees("Password")
        window.closes()
        assert window.ends_unseen() == 128 + signal.SIGHUP


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("last_keys", "number"), [("q", 0), ("", signal.SIGTERM)])
def test_a_terminal_that_takes_nothing_keeps_nobody(
    window: Terminal, last_keys: str, number: int
) -> None:
    window.types(f"{PASSWORD}\r")
    window.sees("● LIVE")
    window.stands_still()
    window.types(f"{'123' * 10}{last_keys}")
    window.process.kill(number)
    assert window.ends_unseen() == (128 + number if number else 0)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_terminal_that_stood_still_has_the_whole_snapshot_afterwards(window: Terminal) -> None:
    window.types(f"{PASSWORD}\r")
    window.sees("● LIVE")
    window.stands_still()
    window.types(f"{'123' * 10}?")
    window.goes_on()
    window.sees("Keys", "only rows that match", "escape closes")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_keys_that_are_no_utf8_do_no_harm(window: Terminal) -> None:
    def is_heard() -> bool:
        window.types("x")
        return "•" in window.screen

    window.process.send(b"\xff\xfe\xe9")
    window.until(is_heard)
    window.types("\x15")
    window.loses("•")
    window.types(f"{PASSWORD}\r")
    window.sees("● LIVE")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_internal_error_is_reported_without_personal_data(url: str, cast: Cast) -> None:
    with terminal([sys.executable, "-c", FAULTY, url]) as window:
        window.sees("E-mail")
        window.types("eve@example.org\rsecret\r")
        assert window.ends() == 70
        assert b"internal error: ValueError" in window.raw
        assert all(order in window.raw for order in LEFT_AS_IT_WAS)
        assert b"diary" not in window.raw
        assert b"secret" not in window.raw
