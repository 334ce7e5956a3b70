"""Make `docs/pictures/`: screenshots of the console as SVG, with the readers of the demo.

    python3 dev.py run python docs/pictures.py
    python3 dev.py run python docs/pictures.py --to shots --size 160x48 --theme none online help

Neither chance nor the clock matters: the same program makes the same pictures. A screen without its
expected words makes no picture but an error.
"""

import argparse
import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

import apsw
from textual.pilot import Pilot

from readwatch.demo.cast import cast
from readwatch.demo.colleague import share_cases
from readwatch.demo.replay import Replay
from readwatch.demo.world import populate
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import User, UserRole
from readwatch.monitor import refresh_policy
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.store.audit.log import list_access, log_event
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.users import NewUser, add_user, find_user
from readwatch.store.lists.online import online_ids
from readwatch.store.lists.query import ListQuery
from readwatch.tui.app import Console
from readwatch.tui.preferences import Preferences, preferences_file
from readwatch.tui.saved_views import SavedView

PICTURES = Path(__file__).with_name("pictures")
NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
SMALL, MIDDLE, LARGE = (80, 24), (110, 26), (160, 48)
THEMES = ("dark", "light", "none")
READERS = 120
FILE = "readwatch.db"
URL = f"sqlite:///{FILE}"
LONGEST_WAIT_SECONDS = 30


# What happens besides keys.


@dataclass
class World:
    """A folder with a database, its staff, and the time."""

    folder: Path
    consultant: User
    admin: User
    now: datetime = NOW


Condition = Callable[[World], AbstractContextManager[None]]


@contextmanager
def no_refreshes(_world: World) -> Iterator[None]:
    """The first snapshot is the last."""
    refresh_policy.REFRESH_SECONDS = 3600.0
    yield


@contextmanager
def half_a_minute_passes(world: World) -> Iterator[None]:
    """The clock is half a minute later."""
    world.now += timedelta(seconds=31)
    yield


@contextmanager
def the_database_is_missing(_world: World) -> Iterator[None]:
    """The files of the database are moved while the console is open."""
    for file in Path().glob(f"{FILE}*"):
        file.rename(f"away-{file}")
    yield


@contextmanager
def another_program_writes(_world: World) -> Iterator[None]:
    """Another connection has the write lock."""
    db = apsw.Connection(FILE)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("ROLLBACK")


@contextmanager
def three_readers_log_in(world: World) -> Iterator[None]:
    """Three more readers are online."""
    db = open_database(URL, Role.INGEST)
    with connection(db), db.atomic():
        access = list_access(db, world.consultant.id)
        online = online_ids(db, access, ListQuery("full_name", descending=False), world.now).ids
        readers = (find_user(db, person.email) for person in cast(READERS, Random(7)))  # noqa: S311
        away = [reader for reader in readers if reader.id not in online]
        for reader in away[:3]:
            open_session(db, reader, reader.email, world.now, device_type="phone")
    yield


# The pictures.


@dataclass(frozen=True)
class Scene:
    """A picture: its name, size and theme, the words it must have, and the steps to it."""

    name: str
    size: tuple[int, int]
    theme: str
    sees: str
    steps: tuple[str | Condition, ...] = ()
    user: str | None = "consultant"
    readers: int = READERS
    mask: bool = False


OPEN = ("down", "down", "down", "enter")
SCENES = (
    Scene("online", MIDDLE, "dark", "State", ("down", "down", "down")),
    Scene("activity", MIDDLE, "light", "Time", ("2", "down", "down")),
    Scene("readers", MIDDLE, "dark", "Last login", ("3", "down", "down")),
    Scene("attention", MIDDLE, "dark", "Why", ("4", "down")),
    Scene("case", LARGE, "dark", "failed the quiz", ("4", "down", "enter")),
    Scene("snooze", SMALL, "dark", "Until", ("4", "z", "end", "ctrl+u", *"mon 9:30")),
    Scene("access-log", MIDDLE, "dark", "Whom", ("5", "down")),
    Scene("access-log-of-all", MIDDLE, "dark", "listed access log", ("5", "down"), "admin"),
    Scene("groups", LARGE, "dark", "how far", ("6", "down")),
    Scene("groups-80", SMALL, "dark", "minutes a day", ("6", "down")),
    Scene("day", LARGE, "dark", "by their sessions", ("7", "less_than_sign", "down")),
    Scene("day-80", SMALL, "dark", "by their sessions", ("7", "down")),
    Scene("past", LARGE, "dark", "as of", ("T", *"yesterday 20", "enter", "down")),
    Scene("past-80", SMALL, "dark", "as of", ("T", *"yesterday 20", "enter", "down")),
    Scene("past-activity", SMALL, "dark", "PAST", ("2", "T", *"fri 18:30", "enter", "down")),
    Scene("time", SMALL, "dark", "Go to a time", ("T", *"mon 9")),
    Scene("comparison", LARGE, "dark", "books", ("down", "space", "down", "space", "C")),
    Scene("comparison-80", SMALL, "light", "books", ("down", "space", "down", "space", "C")),
    Scene("filter", SMALL, "dark", "level:B", ("slash", *"level:B progress<30")),
    Scene("filter-refused", SMALL, "dark", "idle>10x", ("slash", *"idle>10x")),
    Scene(
        "filter-without-rows", SMALL, "dark", "nothing matches", ("slash", *"title:zzz", "enter")
    ),
    Scene("reader", LARGE, "dark", "of reading", OPEN),
    Scene("days", SMALL, "dark", "minutes a day", (*OPEN, "shift+tab", "shift+tab")),
    Scene("activity-detail", SMALL, "light", "content ", (*OPEN, "space")),
    Scene("last", SMALL, "dark", "last reader", ("end", "enter", "right_curly_bracket")),
    Scene("palette", SMALL, "dark", "last login", ("ctrl+p", *"ala")),
    Scene("palette-at-first", SMALL, "dark", "escape closes", ("ctrl+p",)),
    Scene("columns", SMALL, "dark", "resets", ("c", "down", "down")),
    Scene("saved-views", SMALL, "dark", "first view", ("v", "down")),
    Scene("saved-views-at-first", SMALL, "dark", "enter saves", ("v",), "admin"),
    Scene("export", SMALL, "dark", "File (.csv or .json)", ("e", "ctrl+u", *"evening.csv")),
    Scene("copied", SMALL, "dark", "clipboard", ("y",)),
    Scene("help", SMALL, "dark", "everywhere", ("question_mark",)),
    Scene("login", SMALL, "dark", "E-mail", (*"cara@example.org", "enter", *"secret"), None),
    Scene(
        "login-refused",
        SMALL,
        "dark",
        "wrong e-mail or password",
        (*"consultant@example.org", "enter", *"not it", "enter"),
        None,
    ),
    Scene("lock", SMALL, "dark", "is locked", ("L",)),
    Scene("masked", SMALL, "dark", "State", ("down", "down"), mask=True),
    Scene("frozen", SMALL, "dark", "3 new", ("down", "p", three_readers_log_in)),
    Scene("stale", SMALL, "dark", "STALE", (no_refreshes, "1", half_a_minute_passes)),
    Scene("offline", SMALL, "dark", "OFFLINE", ("down", the_database_is_missing)),
    Scene("refused", SMALL, "dark", "is not shown", (another_program_writes, *OPEN)),
    Scene("empty", SMALL, "dark", "nobody is online", readers=0),
    Scene("empty-readers", SMALL, "dark", "no readers yet", ("3",), readers=0),
    Scene("empty-attention", SMALL, "dark", "nobody needs", ("4",), readers=0),
)
OF_THE_DOCS = (
    *("online", "activity", "help", "filter", "palette", "columns", "attention", "reader"),
    *("activity-detail", "access-log", "groups", "day", "comparison", "offline", "refused"),
)


def make_world(folder: Path, readers: int) -> World:
    """Make a database with three weeks and an evening of reading, and an access log."""
    rng = Random(7)  # noqa: S311 - invented behaviour, no secret
    url = f"sqlite:///{folder}/{FILE}"
    migrations.create_or_upgrade(url)
    people = cast(readers, rng) if readers else ()
    stuck, awake = people[::15], [person for n, person in enumerate(people) if n % 15]
    gone = {person.email: timedelta(days=9) for person in stuck}
    gone |= {person.email: timedelta(days=20) for person in awake[::40]}
    consultant, positions = populate(url, people, rng, NOW, gone)
    share_cases(url, [person.email for person in awake[::40]], NOW)
    db = open_database(url, Role.INGEST)
    with connection(db):
        if awake:
            evening = timedelta(minutes=50)
            Replay(db, awake, NOW - evening, rng, ramp=evening * 0.9, positions=positions).play(NOW)
    db.close()
    admin = open_database(url, Role.ADMIN)
    with connection(admin):
        boss = NewUser(
            email="dora@example.org",
            full_name="Dora Dyer",
            user_role=UserRole.ADMIN,
            password_hash="no password",  # noqa: S106 - no hash: nobody logs in
        )
        world = World(folder, consultant, add_user(admin, boss, NOW - timedelta(days=30)))
        if people:
            _log_events(admin, world, [find_user(admin, person.email) for person in people])
    admin.close()
    return world


def _log_events(db: Database, world: World, readers: Sequence[User]) -> None:
    cara, dora = world.consultant.id, world.admin.id
    viewed, in_list = AuditAction.VIEWED_READER_PROFILE, "console, from online"
    first, second, third = (reader.id for reader in readers[:3])
    for minutes, event in (
        (1620, AuditEvent(dora, AuditAction.ADDED_USER, cara, "cli")),
        (1500, AuditEvent(cara, AuditAction.FAILED_LOGIN, None, "console: wrong password")),
        (1499, AuditEvent(cara, AuditAction.LOGGED_IN, None, "console")),
        (1490, AuditEvent(cara, viewed, third, "console, from attention")),
        (95, AuditEvent(cara, AuditAction.LOGGED_IN, None, "console")),
        *((minutes, AuditEvent(cara, viewed, first, in_list)) for minutes in (82, 74, 63, 51)),
        (48, AuditEvent(cara, viewed, second, in_list)),
        (40, AuditEvent(cara, AuditAction.EXPORTED_VIEW, None, f"{in_list}, csv, rows 23")),
        (22, AuditEvent(dora, viewed, second, "console, from palette")),
        (12, AuditEvent(cara, AuditAction.UNLOCKED_CONSOLE, None, "console")),
        (9, AuditEvent(cara, viewed, third, "console, from attention")),
        (
            8,
            AuditEvent(cara, AuditAction.COPIED_ROW, third, "console, from a reader's page, books"),
        ),
    ):
        log_event(db, event, NOW - timedelta(minutes=minutes))


def save_views(world: World) -> None:
    """Save some views for the consultant."""
    preferences = Preferences(preferences_file(world.folder, URL, world.consultant.id))
    for view in (
        SavedView("Stopped lately", View.ONLINE, "ago", False, "!state:reading idle<1h", None),
        SavedView("B1 without progress", View.READERS, "login", False, "level:B1 login>7d", None),
        SavedView("Quizzes", View.ACTIVITY, "time", True, "type:quiz", None),
    ):
        preferences.save_view(view)
    preferences.toggle_start_view("Stopped lately")


async def picture_of(scene: Scene, world: World) -> str:
    """Open the console, do the steps, and return the screenshot."""
    save_views(world)
    settings = ConsoleSettings(
        URL,
        theme=scene.theme,
        preferences_folder=world.folder,
        mask=scene.mask,
        sort="need",  # with an option for the first view, the start view is not used
    )
    user = None if scene.user is None else getattr(world, scene.user)
    console = Console(settings, consultant=user, clock=lambda: world.now)
    conditions, keys = ExitStack(), [*scene.steps]
    with conditions:
        while keys and not isinstance(condition := keys[0], str):  # before the console opens
            conditions.enter_context(condition(world))
            del keys[0]
        async with console.run_test(size=scene.size, notifications=True) as pilot:
            await calm(pilot)
            for step in keys:
                if not isinstance(step, str):
                    conditions.enter_context(step(world))
                else:
                    await pilot.press(step)
                if not isinstance(step, str) or len(step) > 1 or step.isupper() or step.isdigit():
                    await calm(pilot)
            await calm(pilot, scene.sees)
            return console.export_screenshot(title="readwatch")


async def calm(pilot: Pilot[None], words: str = "") -> None:
    """Wait until the words are painted and the screen stays the same."""
    before: list[str] = []
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while before != (now := painted(pilot)) or words not in "\n".join(now):
        if time.monotonic() > until:
            raise SystemExit(f"there is no {words!r} in:\n" + "\n".join(now))
        before = now
        await pilot.pause(1.2)


def painted(pilot: Pilot[None]) -> list[str]:
    """Return the lines of the screen."""
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


def draw(scene: Scene, world: World, to: Path) -> None:
    """Make one picture, in a copy of the world and in its own process."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    if scene.theme == "none":
        os.environ["NO_COLOR"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(world.folder, folder, dirs_exist_ok=True)
        os.chdir(folder)
        picture = asyncio.run(picture_of(scene, replace(world, folder=Path(folder))))
        os.chdir("/")
    # Textual's screenshot loads a font from another host; any monospaced one will do. Its ids
    # depend on the content, and are long.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = re.sub(r"terminal-\d+", scene.name, picture)
    (to / f"{scene.name}.svg").write_text(picture, encoding="utf-8")


def size(words: str) -> tuple[int, int]:
    """Parse a size such as `80x24`."""
    width, height = map(int, words.split("x"))
    return width, height


def main() -> None:
    """Make the pictures of the docs, or those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", default=OF_THE_DOCS)
    parser.add_argument("--all", action="store_true", help="also those that no page uses")
    parser.add_argument("--to", type=Path, default=PICTURES, metavar="FOLDER")
    parser.add_argument("--size", type=size, metavar="80x24")
    parser.add_argument("--theme", choices=THEMES)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    changes = {key: value for key in ("size", "theme") if (value := getattr(options, key))}
    scenes = [
        replace(scene, **changes) for scene in SCENES if options.all or scene.name in options.names
    ]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as pool:
        worlds = {}
        for readers in {scene.readers for scene in scenes}:
            world_folder = Path(folder) / str(readers)
            world_folder.mkdir()
            worlds[readers] = make_world(world_folder, readers)
        workers = ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1)
        pictures = pool.enter_context(workers).map(
            partial(draw, to=options.to.absolute()),
            scenes,
            (worlds[scene.readers] for scene in scenes),
        )
        for scene, _ in zip(scenes, pictures, strict=True):
            print(scene.name)  # noqa: T201 - a program of its own


if __name__ == "__main__":
    main()
