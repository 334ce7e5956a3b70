"""The console: it asks the watcher, keeps the latest pictures and hands them to the screens."""

import os
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import count
from typing import ClassVar

from textual import events, on
from textual.app import App
from textual.binding import BindingType

from readwatch.domain.clock import Clock, system_clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import User
from readwatch.monitor.events import (
    ConnectionLost,
    EventLogged,
    EventRefused,
    ItemsReady,
    LoggedIn,
    LoggedOut,
    LoginRefused,
    QueryRefused,
    ReaderRefused,
    ReadersFound,
    ReaderSnapshotReady,
    Unlocked,
    UnlockRefused,
    ViewSnapshotReady,
)
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import LiveStats, View
from readwatch.monitor.worker import Worker
from readwatch.tui.audited_actions import AuditedActions, Intent
from readwatch.tui.exporting import Exporter
from readwatch.tui.keys import Group, bindings, checked
from readwatch.tui.login_flow import LoginFlow
from readwatch.tui.palette_commands import colours, keys_here, named_views, readers_found
from readwatch.tui.preferences import Preferences, preferences_file
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.help import HelpScreen
from readwatch.tui.screens.palette import PaletteCommand, PaletteScreen
from readwatch.tui.screens.reader import Panel, ReaderScreen
from readwatch.tui.screens.saved_views import SavedViewsScreen
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.terminal import themes
from readwatch.tui.terminal.driver import Terminal
from readwatch.tui.view_screens import ViewScreens
from readwatch.tui.views.options import parse_options
from readwatch.tui.widgets.header import Header, Status
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.live_table import LiveTable


class Console(App[None]):
    """The terminal program that consultants sit in front of."""

    TITLE = "readwatch"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Group.EVERYWHERE)]
    # Textual's own colours of these are too pale to be read well.
    CSS = """
    * { border-title-color: $foreground; border-subtitle-color: $foreground; }
    Input > .input--placeholder, Input > .input--suggestion { color: $text-muted; }
    """
    # Nothing moves by itself: over ssh each moving cell is traffic.
    animation_level = "none"
    ENABLE_COMMAND_PALETTE = False  # there is one of its own
    ALLOW_SELECT = False  # a copy of personal data is made by an action that logs it

    def __init__(
        self,
        settings: ConsoleSettings,
        *,
        signed_in: User | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """`signed_in` is who signed in already."""
        super().__init__(
            driver_class=partial(Terminal, ascii=settings.ascii),  # type: ignore[arg-type]
            ansi_color=True if "NO_COLOR" in os.environ else None,
        )
        self._clock = clock
        self._settings = settings
        self.set_keymap(dict(checked(settings.keys)))
        self._desk = Preferences(None)
        self._watcher = Worker(settings, self.post_message, clock)
        self._sitting = LoginFlow(self, self._watcher, settings, clock, signed_in)
        self._on_record = AuditedActions(self._watcher)
        self._taking_along = Exporter(self, self._on_record, clock)
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self._dress_in(settings.theme or themes.DEFAULT)
        first = parse_options(settings.view, settings.filter, settings.sort, masked=settings.mask)
        self._lists = ViewScreens(self, self._watcher, *first)
        self._reader: ReaderScreen | None = None
        self._openings = count(1)  # what was on its way to an earlier page is of no use to this one
        self._status = Status(keymap=settings.keys)
        self._in_need: frozenset[int] | None = None  # by the last picture; None before the first

    async def on_mount(self) -> None:
        """Ask who sits here, unless that is known, and start to watch."""
        self._lists.begin()
        self._watcher.start(self._sitting.consultant)
        if self._sitting.consultant is None:
            await self._sitting.ask()
        else:
            self._begin(self._sitting.consultant)
        self.set_interval(1, self._tick)

    def on_unmount(self) -> None:
        """Let go of the database, and of files only when they are whole."""
        self._watcher.stop()
        self._taking_along.leave()

    def _fatal_error(self) -> None:
        """Leave without Textual's traceback, whose local variables are readers' data."""
        self._close_messages_no_wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing but to leave before somebody has signed in, and while all is covered."""
        if action == "cover" and isinstance(self.focused, TextInput):
            return False  # its key is a letter
        if not self._sitting.is_in_sight and action in {
            *("view", "help", "palette", "freeze", "cover", "export", "copy")
        }:
            return False
        return super().check_action(action, parameters)

    def _dress_in(self, name: str) -> None:
        self.theme = themes.textual_name("terminal" if self.no_color else name)

    def _choose_theme(self, name: str) -> None:
        self._dress_in(name)
        self._desk.keep_theme(name)
        self._say_trouble()

    # Who sits here.

    @on(LoginRefused)
    @on(UnlockRefused)
    def _say_no(self, event: LoginRefused | UnlockRefused) -> None:
        self._sitting.refuse(event.reason)

    @on(LoggedIn)
    def _let_in(self, event: LoggedIn) -> None:
        self._sitting.let_in(event.user)
        self._begin(event.user)

    @on(LoggedOut)
    async def _show_out(self, event: LoggedOut) -> None:
        self._reader = None
        self._on_record.forget_all()
        await self._sitting.show_out(event.reason)
        self._lists.install()

    @on(Unlocked)
    def _uncover(self) -> None:
        self._sitting.uncover()

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is here; who comes back after too long wakes nothing but the cover."""
        if isinstance(event, events.InputEvent) and not event.is_forwarded:
            if await self._sitting.cover_if_idle():
                return
            self._sitting.go_on()
        await super().on_event(event)

    async def action_cover(self) -> None:
        """Hide everything until the password is given again."""
        await self._sitting.cover()

    def _begin(self, consultant: User) -> None:
        folder = self._settings.preferences_folder
        file = folder and preferences_file(folder, self._settings.database_url, consultant.id)
        self._desk = Preferences(file)
        self._dress_in(self._settings.theme or self._desk.theme)
        self._say_trouble()
        self._tell_seen()
        self._in_need = None
        self._set_status(person=f"{consultant.full_name} ({consultant.user_role})")
        first = self._desk.first_view
        if first is not None and not self._settings.asks_for_a_view:
            self._lists.view = first.view
            self._lists.front.recall(first)
        wanted = self._lists.view
        if wanted is View.ACCESS_LOG:  # it is not shown before it may be
            self._lists.view = View.ONLINE
        self.push_screen(self._lists.front)
        self._watch(self._lists.view)
        if wanted is View.ACCESS_LOG:
            self._open_log()

    def _say_trouble(self) -> None:
        """Say what is wrong with the desk, once."""
        if self._desk.last_error:
            self.notify(self._desk.last_error, severity="warning", timeout=10, markup=False)
            self._desk.last_error = ""

    # Lists.

    def action_view(self, name: str) -> None:
        """Go to a list, from wherever one is; to the access log once that may be shown."""
        view = View(name)
        if view is View.ACCESS_LOG and view is not self._lists.view:
            self._open_log()
        else:
            self._go_to_list(view)

    def _open_log(self) -> None:
        in_front = self.screen

        def done() -> None:
            if self.screen is in_front:  # nothing else was gone to meanwhile
                self._go_to_list(View.ACCESS_LOG)

        def refuse(refusal: ReadwatchError) -> None:
            words = f"the access log is not shown: the look {refusal.message}"
            self.notify(words, severity="error", markup=False)

        self._on_record.ask_for_log(Intent(done, refuse))

    def _go_to_list(self, view: View) -> None:
        self._on_record.forget_log()
        if self._reader is not None:
            self._reader = None
            self.pop_screen()
        if view is not self._lists.view:
            self.switch_screen(self._lists[view])
        self._watch(view)

    def action_saved_views(self) -> None:
        """Offer the views that have names, and a name for the one in front."""
        self.push_screen(SavedViewsScreen(self._desk, self._lists.front.draft()), self._recall)

    def _recall(self, saved: SavedView | None) -> None:
        self._say_trouble()
        if saved is not None:
            self._lists[saved.view].recall(saved)
            self.action_view(saved.view)

    def action_freeze(self) -> None:
        """Hold the picture, or go on with the newest."""
        self._lists.front.turn_frozen()
        self._say_how_live()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(self._settings.keys))

    def _watch(self, view: View) -> None:
        self._lists.watch(view)
        self._say_how_live()

    def _say_how_live(self) -> None:
        """Say which list is in front, of which moment it is, and whether it is held."""
        view, front = self._lists.view, self._lists.front
        pulse = front.shown.stats if front.shown else None
        self._set_status(view=view, pulse=pulse, frozen=front.frozen, held=front.held)

    @on(ViewScreen.Marked)
    def _mark_seen(self, event: ViewScreen.Marked) -> None:
        """Mark a reader as seen and go on to the next, or take the mark back."""
        if not self._sitting.is_in_sight or event.screen is not self._lists.front:
            return
        if event.reader_id in self._desk.turn_seen(event.reader_id, self._today):
            event.screen.table.action_move(1)
        self._say_trouble()
        self._tell_seen()

    @property
    def _today(self) -> date:
        return self._clock().astimezone().date()

    def _tell_seen(self) -> None:
        self._watcher.know_seen(self._desk.seen_on(self._today))

    @on(Header.Clicked)
    def _go_to(self, event: Header.Clicked) -> None:
        if self._sitting.is_in_sight:
            self.action_view(event.view)

    @on(ViewScreen.Asked)
    def _ask_anew(self, event: ViewScreen.Asked) -> None:
        if event.screen is self._lists.front and self._reader is None:
            self._lists.ask()

    @on(LiveTable.ViewportChanged)
    def _look_elsewhere(self, event: LiveTable.ViewportChanged) -> None:
        self._lists.look_elsewhere(event)

    @on(ItemsReady)
    def _take_items(self, event: ItemsReady) -> None:
        if event.view is self._lists.view and self._sitting.consultant is not None:
            self._lists.front.fill(event.items)

    @on(QueryRefused)
    def _say_refused(self, event: QueryRefused) -> None:
        if self._lists.refuse(event.view, event.question, event.reason) and self._reader is None:
            self._lists.ask()

    @on(ViewSnapshotReady)
    def _take_overview(self, event: ViewSnapshotReady) -> None:
        overview = event.overview
        if overview.view is not self._lists.view or self._sitting.consultant is None:
            return
        if self._reader is not None:
            self._set_pulse(overview.stats)  # of the lists that go on behind a refused look
            return
        if self._lists.front.take(overview):
            self._set_pulse(overview.stats)
        self._set_status(held=self._lists.front.held, lost_since=None)

    # The palette.

    def action_palette(self) -> None:
        """Offer readers by name, and all that can be done in front of this screen."""
        if self.screen in {self._reader, self._lists.front}:
            here = Group.LISTS if self._reader is None else Group.READER
            offers = (
                *keys_here(self, here, self._settings.keys),
                *named_views(self._desk.views, self._recall),
                *colours(self._choose_theme),
            )
            find = self._watcher.find_readers
            palette = PaletteScreen(offers, find, masked=self._settings.mask)
            self.push_screen(palette, self._choose)

    def _choose(self, offer: PaletteCommand | None) -> None:
        if offer is not None and self._sitting.is_in_sight:
            self._lists.front.table.forget_key()
            offer.choose()

    @on(ReadersFound)
    def _take_found(self, event: ReadersFound) -> None:
        if isinstance(self.screen, PaletteScreen):
            offers = readers_found(event.readers, self._clock(), self._open_found)
            self.screen.find(event.words, offers)

    def _open_found(self, reader_ids: tuple[int, ...], place: int) -> None:
        had_page = self._reader is not None
        page = self._look_at(ReaderPager("palette", reader_ids, place))
        if had_page:
            self.switch_screen(page)
        else:
            self.push_screen(page)

    # One reader.

    @on(LiveTable.RowSelected)
    def _open_reader(self, event: LiveTable.RowSelected) -> None:
        if not self._sitting.is_in_sight:
            return  # shown out or covered while the key was on its way
        if self._reader is not None or event.table is not self._lists.front.table:
            return  # another key was faster: these are no longer the rows in front
        if event.reader_id is not None:
            self.push_screen(self._look_at(self._lists.front.walk_from(event.reader_id)))

    @on(ReaderScreen.Walked)
    def _walk(self, event: ReaderScreen.Walked) -> None:
        if self._reader is None or self.screen is not self._reader:
            return  # another key was faster
        walk = self._reader.walk.step(event.places)
        if walk is None:
            self._reader.say_end(event.places)
        else:
            self.switch_screen(self._look_at(walk, panel=self._reader.panel))

    def _look_at(self, walk: ReaderPager, *, panel: Panel = Panel.ACTIVITIES) -> ReaderScreen:
        """Ask for a reader's page, and return a screen on which nothing of another one can be."""
        opening, read_older = next(self._openings), self._watcher.read_older
        self._reader = reader = ReaderScreen(opening, walk, panel, read_older)
        self._set_status(frozen=False, held="")
        self._watcher.open_reader(reader.opening, walk.reader_id, walk.seen_in)
        return reader

    @on(ReaderSnapshotReady)
    def _take_reader(self, event: ReaderSnapshotReady) -> None:
        if self._reader is not None and self._reader.opening == event.page.request_id:
            self._set_pulse(event.page.stats)
            self._reader.show(event.page)

    @on(ReaderRefused)
    def _say_why_not(self, event: ReaderRefused) -> None:
        if self._reader is not None and self._reader.opening == event.opening:
            self._reader.refuse(event.reason)

    @on(ReaderScreen.Left)
    def _leave_reader(self) -> None:
        # Not where another key was faster: it has left already, or put another screen in front.
        if self._reader is not None and self.screen is self._reader:
            reader_id, self._reader = self._reader.walk.reader_id, None
            self.pop_screen()
            self._lists.front.move_to_reader(reader_id)
            self._watch(self._lists.view)

    # Taking data along.

    def action_export(self) -> None:
        """Ask for a file for what is shown."""
        if (source := self._shown.source()) is not None:
            self._taking_along.ask_for_file(source)

    def action_copy(self) -> None:
        """Hand the row under the cursor to the terminal's clipboard."""
        source, key = self._shown.source(), self._shown.table.meant()
        if source is not None and key is not None:
            self._taking_along.copy(source, key)

    @property
    def _shown(self) -> ReaderScreen | ViewScreen:
        return self._reader or self._lists.front

    @on(EventLogged)
    def _go_on(self, event: EventLogged) -> None:
        self._on_record.done(event.number)

    @on(EventRefused)
    def _say_what_is_not_done(self, event: EventRefused) -> None:
        self._on_record.refused(event.number, event.refusal)

    def action_help_quit(self) -> None:
        """Say how to leave, when somebody presses ctrl+c."""
        if self._sitting.is_in_sight:
            self.notify("q leaves the console", timeout=3, markup=False)
        else:
            self._sitting.say("escape leaves the console")

    # The header.

    @on(ConnectionLost)
    def _say_lost(self, event: ConnectionLost) -> None:
        self._set_status(lost_since=event.since, reason=event.reason)

    def _set_pulse(self, pulse: LiveStats) -> None:
        known = self._in_need
        if self._settings.bell and known is not None and pulse.unseen - known:
            self.bell()
        self._in_need = pulse.in_need
        self._set_status(pulse=pulse, lost_since=None)

    async def _tick(self) -> None:
        await self._sitting.cover_if_idle()
        self._tell_seen()  # at midnight all marks are gone
        self._set_status()

    def _set_status(self, **changes: object) -> None:
        self._status = replace(self._status, now=self._clock(), **changes)  # type: ignore[arg-type]
        self._shown.header.status = self._status
