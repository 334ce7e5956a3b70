"""The driver in a real terminal: what it says of the keys that are on their way."""

import sys

import pytest
from tui.real_terminal import terminal

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

DOOR = """
from textual import on
from textual.app import App
from textual.message import Message
from textual.screen import Screen
from readwatch.tui.terminal.driver import TerminalDriver, call_after_keys

class Room(Screen):
    BINDINGS = [("escape", "leave")]

    class Left(Message):
        pass

    def action_leave(self):
        self.post_message(self.Left())

class House(App):
    happened = []

    def on_mount(self):
        self.room = Room()
        self.push_screen(self.room)

    def on_key(self, event):
        self.happened.append(event.key)
        if event.key == "k":
            call_after_keys(self, self.room, self.end)

    @on(Room.Left)
    def leave(self):
        self.happened.append("left")

    def end(self):
        self.happened.append("called back")
        self.exit()

house = House(driver_class=TerminalDriver)
print("open")
house.run()
print("happened:", ", ".join(house.happened))
"""


def test_who_is_called_after_the_keys_finds_the_escape_behind_them_handled() -> None:
    with terminal([sys.executable, "-c", DOOR]) as window:
        window.until(lambda: b"\x1b[?1049h" in window.raw)
        window.types("k\x1b")
        assert window.ends() == 0
        assert b"happened: k, escape, left, called back" in window.raw
