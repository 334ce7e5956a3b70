"""The console: it passes requests to the worker, and the worker's snapshots to the screens."""

import os
from concurrent.futures import Future
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType

from readwatch.domain.cases import NoteKind
from readwatch.domain.clock import Clock, system_clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import Comparison, Term
from readwatch.domain.users import User
from readwatch.monitor.events import (
    ConnectionLost,
    EntryMissed,
    Event,
    LoggedOut,
    QueryRefused,
    ReaderRefused,
    ReadersReady,
    ViewSnapshotReady,
)
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot, View, ViewSnapshot
from readwatch.monitor.worker import Worker
from readwatch.store.lists.readers import ReaderSummary
from readwatch.tui.casework import Casework
from readwatch.tui.exporting import Exporter
from readwatch.tui.keys import Group, bindings, checked_keymap
from readwatch.tui.login_flow import LoginFlow
from readwatch.tui.messages import MonitorEvent, when_done
from readwatch.tui.palette_commands import (
    key_commands,
    reader_commands,
    saved_view_commands,
    theme_commands,
)
from readwatch.tui.preferences import Preferences, preferences_file
from readwatch.tui.reader_marks import compared, toggled
from readwatch.tui.reader_pager import ReaderPager
from readwatch.tui.reader_pages import Page, ReaderPages
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.comparison import ComparisonScreen
from readwatch.tui.screens.groups import GroupsScreen
from readwatch.tui.screens.help import HelpScreen
from readwatch.tui.screens.palette import PaletteCommand, PaletteScreen
from readwatch.tui.screens.reader import ReaderScreen
from readwatch.tui.screens.saved_views import SavedViewsScreen
from readwatch.tui.screens.time_form import TimeForm
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.terminal import themes
from readwatch.tui.terminal.driver import TerminalDriver
from readwatch.tui.view_screens import ViewScreens
from readwatch.tui.views.options import parse_options
from readwatch.tui.widgets.header import Header, Status
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.live_table import LiveTable


class Console(App[None]):
    """The terminal program of consultants."""

    TITLE = "readwatch"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Group.VIEWS),
        *bindings(Group.EVERYWHERE),
        # Every terminal has this key, so neither help nor settings do.
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]
    # Textual's colours of these parts have too little contrast.
    CSS = """
    * { border-title-color: $foreground; border-subtitle-color: $foreground; }
    Input > .input--placeholder, Input > .input--suggestion { color: $text-muted; }
    """
    # No animations: over ssh each changed cell is traffic.
    animation_level = "none"
    ENABLE_COMMAND_PALETTE = False  # the console has its own
    ALLOW_SELECT = False  # personal data is copied only by an action that logs it

    def __init__(
        self,
        settings: ConsoleSettings,
        *,
        consultant: User | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """`consultant` has logged in already; None shows the login form first."""
        super().__init__(
            driver_class=partial(  # type: ignore[arg-type]
                TerminalDriver, ascii=settings.ascii, has_title=settings.has_title
            ),
            ansi_color=True if "NO_COLOR" in os.environ else None,
        )
        self._clock = clock
        self._settings = settings
        self.set_keymap(dict(checked_keymap(settings.keys)))
        self._preferences = Preferences(None)
        self._worker = Worker(settings, self._post_event, clock)
        self._login_flow = LoginFlow(
            self, self._worker, settings, clock, consultant, on_login=self._begin
        )
        self._exporter = Exporter(self, self._worker, clock)
        self._casework = Casework(self, self._worker, clock)
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self._apply_theme(settings.theme or themes.DEFAULT)
        view, query = parse_options(settings, clock())
        self._view_screens = ViewScreens(self, self._worker, view, query)
        self._reader_pages = ReaderPages(self, self._worker)
        self._status = Status(keymap=settings.keys)
        # None before the first snapshot, and after a change of marks, which rings no bell.
        self._unseen: frozenset[int] | None = None
        self._marked: tuple[int, ...] = ()  # readers for a comparison
        self._access_log_requests = 0
        self._palettes = 0
        self._search: Future[tuple[ReaderSummary, ...]] | None = None

    async def on_mount(self) -> None:
        """Start the worker and show the first view or the login form."""
        self._view_screens.begin()
        consultant = self._login_flow.consultant
        self._worker.start(consultant)
        if consultant is None:
            await self._login_flow.show_login()
        else:
            self._begin(consultant)
        self.set_interval(1, self._tick)

    def on_unmount(self) -> None:
        """Stop the worker, and wait until a file that is being written is complete."""
        self._worker.stop()
        self._exporter.close()

    def _fatal_error(self) -> None:
        """Leave without Textual's traceback, whose local variables contain readers' data."""
        self._close_messages_no_wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable all actions except quit before the login and while the console is locked."""
        if action == "lock" and isinstance(self.focused, TextInput):
            return False  # its key is a letter
        if action == "focus_next" and isinstance(self.screen, ReaderScreen):
            return self.screen.has_data
        if action == "freeze" and self._status.at is not None:
            return False  # the past does not change
        if action == "preview":
            return isinstance(self.screen, ViewScreen) and self.screen.has_preview
        if not self._login_flow.is_unlocked and action in {
            *("view", "help", "palette", "freeze", "lock", "export", "copy")
        }:
            return False
        return super().check_action(action, parameters)

    def _apply_theme(self, name: str) -> None:
        self.theme = themes.textual_name("terminal" if self.no_color else name)

    def _choose_theme(self, name: str) -> None:
        self._apply_theme(name)
        self._preferences.save_theme(name)
        self._show_preferences_error()

    # Events of the worker.

    def _post_event(self, event: Event) -> None:
        self.post_message(MonitorEvent(event))

    @on(MonitorEvent)
    async def _handle_event(self, message: MonitorEvent) -> None:
        match message.event:
            case ViewSnapshotReady(snapshot):
                self._show_view(snapshot)
            case ReadersReady(snapshots):
                self._show_readers(snapshots)
            case QueryRefused() as refused:
                if self._view_screens.refuse(refused) and self._reader_pages.current is None:
                    self._view_screens.request()
            case ReaderRefused(request_id, reason):
                self._reader_pages.refuse(request_id, reason)
            case EntryMissed(text):
                self.notify(text, severity="error", timeout=60, markup=False)
            case LoggedOut(reason):
                await self._log_out(reason)
            case ConnectionLost(reason, since):
                self._set_status(lost_since=since, reason=reason)

    # Login and lock.

    def _begin(self, consultant: User) -> None:
        """Show the first view to a consultant who has logged in."""
        folder = self._settings.preferences_folder
        file = folder and preferences_file(folder, self._settings.database_url, consultant.id)
        self._preferences = Preferences(file)
        self._apply_theme(self._settings.theme or self._preferences.theme)
        self._show_preferences_error()
        self._update_marks()
        self._unseen = None
        self._set_status(user=f"{consultant.full_name} ({consultant.user_role})")
        saved = self._preferences.start_view
        if saved is not None and not self._settings.has_initial_view:
            self._view_screens.view = saved.view
            self._view_screens.current.apply_saved_view(saved)
        first_view = self._view_screens.view
        if first_view is View.ACCESS_LOG:  # shown only once that is logged
            self._view_screens.view = View.ONLINE
        self.push_screen(self._view_screens.current)
        self._watch(self._view_screens.view)
        if first_view is View.ACCESS_LOG:
            self._open_access_log()

    async def _log_out(self, reason: str) -> None:
        self._reader_pages.clear()
        self._marked = ()
        self._access_log_requests += 1
        await self._login_flow.log_out(reason)
        self._view_screens.install()

    async def on_event(self, event: events.Event) -> None:
        """Store the time of use; after a long pause without use, a key only locks the console."""
        if isinstance(event, events.InputEvent) and not event.is_forwarded:
            if await self._login_flow.lock_if_idle():
                return
            self._login_flow.note_use()
        elif isinstance(event, events.Resize):  # also the first event after `fg`
            await self._login_flow.lock_if_idle()
        await super().on_event(event)

    async def action_lock(self) -> None:
        """Hide all data until the consultant enters the password."""
        await self._login_flow.lock()

    def _show_preferences_error(self) -> None:
        """Show the error of the preferences file once."""
        if self._preferences.last_error:
            error = self._preferences.last_error
            self.notify(error, severity="warning", timeout=10, markup=False)
            self._preferences.last_error = ""

    # Views.

    def action_view(self, name: str) -> None:
        """Go to a view, from any screen; for the access log, after the access is logged."""
        view = View(name)
        self._view_screens[view].discard_origin()
        if view is View.ACCESS_LOG and view is not self._view_screens.view:
            self._open_access_log()
        else:
            self._go_to_view(view)

    def _open_access_log(self) -> None:
        self._access_log_requests += 1
        screen, request = self.screen, self._access_log_requests

        def show(_: None) -> None:
            # The consultant may have gone to another screen in the meantime.
            if request == self._access_log_requests and self.screen is screen:
                self._go_to_view(View.ACCESS_LOG)

        def refuse(error: ReadwatchError) -> None:
            if request == self._access_log_requests:
                text = f"the access log is not shown: the access {error.message}"
                self.notify(text, severity="error", markup=False)

        when_done(self, self._worker.open_access_log(), show, refuse)

    def _go_to_view(self, view: View) -> None:
        self._access_log_requests += 1  # an earlier request for the access log is out of date
        keeps_rows = view is self._view_screens.view and self._reader_pages.current is None
        if self._reader_pages.current is not None:
            self._reader_pages.close()
            self.pop_screen()
        if view is not self._view_screens.view:
            self.switch_screen(self._view_screens[view])
        self._watch(view, keeps_rows=keeps_rows)

    def action_saved_views(self) -> None:
        """Show the saved views, with a field to save the current one."""
        screen = SavedViewsScreen(self._preferences, self._view_screens.current.to_saved_view())
        self.push_screen(screen, self._recall)

    def _recall(self, saved: SavedView | None) -> None:
        self._show_preferences_error()
        if saved is not None:
            self._view_screens[saved.view].apply_saved_view(saved)
            self.action_view(saved.view)

    def action_freeze(self) -> None:
        """Freeze the view, or show the newest snapshot."""
        self._view_screens.current.toggle_frozen()
        self._show_view_status()

    def action_preview(self) -> None:
        """Show or hide the pane about the row under the cursor, in wide terminals."""
        self._view_screens.toggle_preview()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(self._settings.keys))

    def _watch(self, view: View, *, keeps_rows: bool = False) -> None:
        self._view_screens.watch(view, keeps_rows=keeps_rows)
        self._show_view_status()

    def _show_view_status(self) -> None:
        """Show the current view, its age, and whether it is frozen, in the header."""
        view, screen = self._view_screens.view, self._view_screens.current
        stats = screen.snapshot.stats if screen.snapshot else None
        self._set_status(
            view=view,
            stats=stats,
            at=screen.shown_past,
            frozen=screen.frozen,
            new_rows=screen.new_rows,
        )

    @on(ViewScreen.TimeRequested)
    def _ask_for_time(self, event: ViewScreen.TimeRequested) -> None:
        if not self._login_flow.is_unlocked or self.screen is not event.screen:
            return
        if event.screen.goes_back:
            self.push_screen(TimeForm(self._clock, self._go_to_time))
        else:
            name = event.screen.view.label.capitalize()
            words = f"{name} has no past; Online, Activity and Day go back in time"
            self.notify(words, timeout=5, markup=False)

    @on(ViewScreen.StepRequested)
    def _go_a_step(self, event: ViewScreen.StepRequested) -> None:
        self._go_to_time(event.screen.step_from(self._clock(), event.offset))

    @on(ViewScreen.NowRequested)
    def _go_to_now(self) -> None:
        self._go_to_time(None)

    def _go_to_time(self, at: datetime | None) -> None:
        """Show a time of the past in all views that can, or now."""
        if self._login_flow.is_unlocked:
            self._view_screens.go_to(at)

    @on(ViewScreen.SeenToggled)
    def _mark_seen(self, event: ViewScreen.SeenToggled) -> None:
        """Mark a reader as seen and go to the next row, or remove the mark."""
        if not self._login_flow.is_unlocked or event.screen is not self._view_screens.current:
            return
        if event.reader_id in self._preferences.toggle_seen(event.reader_id, self._today):
            event.screen.table.action_move(1)
        self._show_preferences_error()
        self._update_marks()

    @on(ViewScreen.MuteToggled)
    def _mute(self, event: ViewScreen.MuteToggled) -> None:
        """Mute rules for today, or take that back."""
        if not self._login_flow.is_unlocked or event.screen is not self._view_screens.current:
            return
        self._preferences.set_muted(event.rules, self._today, is_muted=event.is_muted)
        words = "muted until midnight" if event.is_muted else "not muted any more"
        self.notify(f"{', '.join(event.rules)}: {words}", timeout=5, markup=False)
        self._show_preferences_error()
        self._update_marks()

    @on(ViewScreen.CaseChangeRequested)
    @on(ReaderScreen.CaseChangeRequested)
    def _change_case(
        self, event: ViewScreen.CaseChangeRequested | ReaderScreen.CaseChangeRequested
    ) -> None:
        """Add a note, or change a case and go to the next row if this one goes to the end; do
        nothing if an earlier key has left the screen."""
        consultant, screen = self._login_flow.consultant, event.screen
        if consultant is None or not self._login_flow.is_unlocked or self.screen is not screen:
            return

        def go_on() -> None:
            is_aside = event.kind in {NoteKind.SNOOZED, NoteKind.RESOLVED}
            if is_aside and isinstance(screen, ViewScreen):
                screen.table.action_move(1)

        self._casework.change(event.subject, event.kind, consultant.id, go_on)

    @property
    def _today(self) -> date:
        return self._clock().astimezone().date()

    def _update_marks(self) -> None:
        today, preferences = self._today, self._preferences
        marks = preferences.seen_on(today), preferences.muted_on(today)
        if self._worker.set_marks(*marks):
            self._unseen = None

    @on(Header.Clicked)
    def _go_to_clicked_view(self, event: Header.Clicked) -> None:
        if self._login_flow.is_unlocked:
            self.action_view(event.view)

    @on(ViewScreen.QueryChanged)
    def _request_view(self, event: ViewScreen.QueryChanged) -> None:
        if event.screen is self._view_screens.current and self._reader_pages.current is None:
            self._view_screens.request()

    @on(LiveTable.ViewportChanged)
    def _change_viewport(self, event: LiveTable.ViewportChanged) -> None:
        self._view_screens.change_viewport(event)

    def _show_view(self, snapshot: ViewSnapshot) -> None:
        screen = self._view_screens.current
        if snapshot.view is not self._view_screens.view or self._login_flow.consultant is None:
            return
        if self._reader_pages.current is not None:
            self._show_stats(snapshot.stats)  # the view is updated behind a page that is refused
            return
        if screen.show_snapshot(snapshot):
            self._show_stats(snapshot.stats)
        self._set_status(
            new_rows=screen.new_rows, frozen=screen.frozen, at=screen.shown_past, lost_since=None
        )

    # The palette.

    def action_palette(self) -> None:
        """Show the palette: readers by name, and all actions of this screen."""
        reader_page = self._reader_pages.current
        if self.screen in {reader_page, self._view_screens.current}:
            group = Group.LISTS
            if reader_page is not None:
                is_of_one = isinstance(reader_page, ReaderScreen)
                group = Group.READER if is_of_one else Group.COMPARISON
            commands = (
                *key_commands(self, group, self._settings.keys),
                *saved_view_commands(self._preferences.views, self._recall),
                *theme_commands(self._choose_theme),
            )
            self._palettes += 1
            palette = PaletteScreen(commands, self._find_readers, masked=self._settings.mask)
            self.push_screen(palette, self._choose)

    def _choose(self, command: PaletteCommand | None) -> None:
        if command is not None and self._login_flow.is_unlocked:
            self._view_screens.current.table.discard_key_time()
            command.run()

    def _find_readers(self, words: str) -> None:
        def offer(readers: tuple[ReaderSummary, ...]) -> None:
            if isinstance(self.screen, PaletteScreen):
                commands = reader_commands(readers, self._clock(), self._open_from_palette)
                self.screen.show_readers(words, commands)

        def refuse(error: ReadwatchError) -> None:
            text = f"no readers are shown: {error.message}"
            self.notify(text, severity="error", markup=False)
            offer(())

        if self._search is not None:
            self._search.cancel()  # the words have changed
        self._search = self._worker.find_readers(words, self._palettes)
        when_done(self, self._search, offer, refuse)

    def _open_from_palette(self, reader_ids: tuple[int, ...], index: int) -> None:
        is_first = self._reader_pages.current is None
        page = self._reader_pages.open(ReaderPager("palette", reader_ids, index))
        self._show_page(page, is_first=is_first)

    # A reader's page.

    @on(LiveTable.RowSelected)
    def _open_reader(self, event: LiveTable.RowSelected) -> None:
        is_wanted = event.table.take_selection(event)
        if not is_wanted or not self._login_flow.is_unlocked:
            return  # taken back, logged out or locked after the key was pressed
        screen = self._view_screens.current
        if self._reader_pages.current is not None or event.table is not screen.table:
            return  # an earlier key has changed the screen
        if event.reader_id is not None:
            page = self._reader_pages.open(screen.pager_from(event.reader_id))
            self._show_page(page, is_first=True)

    @on(GroupsScreen.DetailRequested)
    def _fetch_group(self, event: GroupsScreen.DetailRequested) -> None:
        if self._login_flow.is_unlocked and self._reader_pages.current is None:
            self._view_screens.fetch_group(event.screen, event.group_id)

    @on(GroupsScreen.GroupOpened)
    def _open_group(self, event: GroupsScreen.GroupOpened) -> None:
        """Show the readers of a group, unless an earlier key has left the screen."""
        if self._login_flow.is_unlocked and event.screen is self.screen:
            of_group = Term(event.name, "group", Comparison.EQUAL)
            self._view_screens[View.READERS].open_from(View.GROUPS, of_group)
            self._go_to_view(View.READERS)

    @on(ViewScreen.BackRequested)
    def _go_back_to_view(self, event: ViewScreen.BackRequested) -> None:
        if self._login_flow.is_unlocked and event.screen is self.screen:
            self._go_to_view(event.origin)

    @on(ReaderScreen.StepRequested)
    def _step_to_reader(self, event: ReaderScreen.StepRequested) -> None:
        if self.screen is not self._reader_pages.current:
            return  # an earlier key has closed the page
        page = self._reader_pages.step(event.offset)
        if page is not None:
            self._show_page(page, is_first=False)

    @on(ViewScreen.MarkToggled)
    def _mark(self, event: ViewScreen.MarkToggled) -> None:
        """Mark a reader for a comparison, or remove the mark."""
        if self._login_flow.is_unlocked and event.screen is self._view_screens.current:
            self._marked = toggled(self._marked, event.reader_id)
            self._view_screens.show_marks(self._marked)

    @on(ViewScreen.ComparisonRequested)
    def _compare(self, event: ViewScreen.ComparisonRequested) -> None:
        """Compare two readers, unless an earlier key has left the screen."""
        if not self._login_flow.is_unlocked or self.screen is not event.screen:
            return
        both = compared(self._marked, event.reader_id)
        if both is None:
            words = "mark two readers with space, then C compares them"
            self.notify(words, timeout=5, markup=False)
            return
        page = self._reader_pages.compare(both, event.screen.view.label)
        self._show_page(page, is_first=True)

    def action_open_again(self, offset: int) -> None:
        """Open the reader's page that was opened before or after, which is logged again."""
        before = self._reader_pages.current
        if not self._login_flow.is_unlocked or self.screen is not self._shown_screen:
            return  # an earlier key has changed the screen
        page = self._reader_pages.open_again(offset)
        if page is not None:
            self._show_page(page, is_first=before is None)

    def _show_page(self, page: Page, *, is_first: bool) -> None:
        """Show a page above the view, or in the place of another page."""
        self._set_status(frozen=False, new_rows="", at=None)
        if is_first:
            self.push_screen(page)
        else:
            self.switch_screen(page)

    def _show_readers(self, readers: tuple[ReaderSnapshot, ...]) -> None:
        if self._reader_pages.show(readers):
            self._show_stats(readers[0].stats)

    @on(ReaderScreen.BackRequested)
    @on(ComparisonScreen.BackRequested)
    def _leave_page(self) -> None:
        page = self._reader_pages.current
        if page is None or self.screen is not page:
            return  # an earlier key has closed the page
        self._reader_pages.close()
        self.pop_screen()
        if isinstance(page, ReaderScreen):
            self._view_screens.current.move_to_reader(page.pager.reader_id)
        self._watch(self._view_screens.view)

    # Exports.

    def action_export(self) -> None:
        """Ask for the file name of an export of the current table."""
        screen = self._shown_screen
        if not isinstance(screen, ComparisonScreen) and (source := screen.export_source()):
            self._exporter.ask_for_file(source)

    def action_copy(self) -> None:
        """Copy the row under the cursor to the terminal's clipboard."""
        screen = self._shown_screen
        if isinstance(screen, ComparisonScreen):
            return
        source, key = screen.export_source(), screen.table.intended_key()
        if source is not None and key is not None:
            self._exporter.copy(source, key)

    @property
    def _shown_screen(self) -> Page | ViewScreen:
        return self._reader_pages.current or self._view_screens.current

    def action_help_quit(self) -> None:
        """Show how to quit, after ctrl+c."""
        if self._login_flow.is_unlocked:
            self.notify("q leaves the console", timeout=3, markup=False)
        else:
            self._login_flow.say("escape leaves the console")

    # The header.

    def _show_stats(self, stats: LiveStats) -> None:
        before = self._unseen
        if self._settings.bell and before is not None and stats.unseen - before:
            self.bell()
        self._unseen = stats.unseen
        self._set_status(stats=stats, lost_since=None)

    def _show_title(self) -> None:
        """Show in the title of the terminal how many readers need the consultant."""
        stats, is_unlocked = self._status.stats, self._login_flow.is_unlocked
        unseen = len(stats.unseen) if stats is not None and is_unlocked else 0
        if isinstance(self._driver, TerminalDriver):
            self._driver.show_title(f"({unseen}) readwatch" if unseen else "readwatch")

    async def _tick(self) -> None:
        await self._login_flow.lock_if_idle()
        self._update_marks()  # the marks end at midnight
        self._set_status()

    def _set_status(self, **changes: object) -> None:
        before = self._status
        self._status = replace(before, now=self._clock(), **changes)  # type: ignore[arg-type]
        if self._status.at != before.at:
            self.refresh_bindings()  # the past is not frozen
        self._show_title()
        self._shown_screen.show_status(self._status)
