"""The console: it asks the watcher, keeps the latest pictures and hands them to the screens."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.actions import parse
from textual.app import App
from textual.binding import BindingType

from readwatch.domain.access_log import Action
from readwatch.domain.clock import Clock, ago, system_clock
from readwatch.domain.console import ConsoleSettings
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import as_recorded
from readwatch.domain.text import spreadsheet_cell
from readwatch.domain.users import User
from readwatch.store.database import close_all
from readwatch.store.rights import Role
from readwatch.store.schema import open_current
from readwatch.tui import themes
from readwatch.tui.desk import Desk, desk_file
from readwatch.tui.export import checked_file, counted, format_of, write
from readwatch.tui.header import Header, Status
from readwatch.tui.keys import KEYS, Group, bindings, checked, pressed_for
from readwatch.tui.messages import (
    ConnectionLost,
    ItemsArrived,
    LookRefused,
    OverviewArrived,
    QuestionRefused,
    ReaderArrived,
    ReadersFound,
    Recorded,
    RecordRefused,
    SignedIn,
    SignedOut,
    SignInRefused,
    Uncovered,
    UncoverRefused,
)
from readwatch.tui.requests import ReadItems
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.cover import CoverScreen
from readwatch.tui.screens.export import ExportScreen
from readwatch.tui.screens.help import HelpScreen
from readwatch.tui.screens.list import ListScreen
from readwatch.tui.screens.palette import Offer, PaletteScreen
from readwatch.tui.screens.reader import Panel, ReaderScreen
from readwatch.tui.screens.sign_in import SignInScreen
from readwatch.tui.screens.views import ViewsScreen, words_of
from readwatch.tui.snapshots import Overview, Pulse, View
from readwatch.tui.table import LiveTable
from readwatch.tui.terminal import ENDINGS, Terminal
from readwatch.tui.views import LISTINGS
from readwatch.tui.views.asked import asked
from readwatch.tui.walk import Walk
from readwatch.tui.watcher import Watcher
from readwatch.tui.window import Sight


@dataclass(frozen=True, slots=True)
class _Record:
    """What is to be done once it is on record, or said when it cannot be."""

    done: Callable[[], None]
    refused: Callable[[ReadwatchError], None]


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
        self._desk = Desk(None)
        self._consultant = signed_in
        self._watcher = Watcher(settings, self.post_message, clock)
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self._dress_in(settings.theme or themes.DEFAULT)
        self._view, self._first = asked(
            settings.view, settings.filter, settings.sort, masked=settings.mask
        )
        self._sign_in = SignInScreen(settings.email)
        self._lists: dict[View, ListScreen] = {}
        self._reader: ReaderScreen | None = None
        self._cover: CoverScreen | None = None
        self._used_at = clock()
        self._records: dict[int, _Record] = {}
        self._log_asked = 0
        self._openings = count(1)  # what was on its way to an earlier page is of no use to this one
        self._status = Status(keymap=settings.keys)
        self._rung_for: frozenset[int] | None = None  # who is no news; None before the first
        self._held: Overview | None = None

    def on_mount(self) -> None:
        """Ask who sits here, unless that is known, and start to watch."""
        self._install_lists()
        self._lists[self._view].begin_with(self._first)
        self._watcher.start(self._consultant)
        if self._consultant is None:
            self.push_screen(self._sign_in)
        else:
            self._begin(self._consultant)
        self.set_interval(1, self._tick)

    def _install_lists(self) -> None:
        """Put empty lists in the place of those that somebody else sat in front of."""
        for view, before in self._lists.items():
            self.uninstall_screen(view)
            before.remove()
        self._lists = {
            view: ListScreen(view, listing, masked=self._settings.mask)
            for view, listing in LISTINGS.items()
        }
        for view, screen in self._lists.items():
            self.install_screen(screen, view)  # else it is gone when another takes its place

    def on_unmount(self) -> None:
        """Let go of the database."""
        self._watcher.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing but to leave before somebody has signed in, and while all is covered."""
        if not self._is_in_sight and action in {
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

    # Signing in.

    @on(SignInScreen.Asked)
    def _ask_to_sign_in(self, event: SignInScreen.Asked) -> None:
        self._watcher.sign_in(event.email, event.password)

    @on(SignInRefused)
    def _say_no(self, event: SignInRefused) -> None:
        self._sign_in.refuse(event.reason)

    @on(SignedIn)
    def _let_in(self, event: SignedIn) -> None:
        self.pop_screen()
        self._begin(event.user)

    @on(SignedOut)
    def _show_out(self, event: SignedOut) -> None:
        """Cover everything: who was signed in may not look any more."""
        self._consultant = self._reader = self._cover = None
        self._records.clear()
        for _ in self.screen_stack[1:]:
            self.pop_screen()
        self._install_lists()
        self._sign_in = SignInScreen(None, event.reason)
        self.push_screen(self._sign_in)

    def _begin(self, consultant: User) -> None:
        self._consultant = consultant
        self._desk = self._desk_of(consultant)
        self._dress_in(self._settings.theme or self._desk.theme)
        self._say_trouble()
        self._tell_seen()
        self._rung_for = None
        self._set_status(person=f"{consultant.full_name} ({consultant.user_role})")
        first = self._desk.first_view
        if first is not None and not self._settings.asks_for_a_view:
            self._view = first.view
            self._lists[first.view].recall(first)
        wanted = self._view
        if wanted is View.ACCESS_LOG:  # it is not shown before it may be
            self._view = View.ONLINE
        self.push_screen(self._lists[self._view])
        self._watch(self._view)
        if wanted is not self._view:
            self.action_view(wanted)

    def _desk_of(self, consultant: User) -> Desk:
        folder = self._settings.desks
        return Desk(folder and desk_file(folder, self._settings.database_url, consultant.id))

    def _say_trouble(self) -> None:
        """Say what is wrong with the desk, once."""
        if self._desk.trouble:
            self.notify(self._desk.trouble, severity="warning", timeout=10, markup=False)
            self._desk.trouble = ""

    # The cover.

    @property
    def _is_in_sight(self) -> bool:
        return self._consultant is not None and self._cover is None

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is here; who comes back after too long wakes nothing but the cover."""
        if isinstance(event, events.InputEvent) and not event.is_forwarded:
            if self._cover_if_idle():
                return
            self._used_at = self._clock()
        await super().on_event(event)

    def action_cover(self) -> None:
        """Hide everything until the password is given again."""
        if self._consultant is not None and self._cover is None:
            self._cover = CoverScreen(self._consultant)
            self.push_screen(self._cover)

    def _cover_if_idle(self) -> bool:
        longest = self._settings.cover_after
        if not self._is_in_sight or longest is None:
            return False
        # A clock that was set back does not keep the picture open.
        is_idle = abs(self._clock() - self._used_at) >= longest
        if is_idle:
            self.action_cover()
        return is_idle

    @on(CoverScreen.Asked)
    def _ask_to_uncover(self, event: CoverScreen.Asked) -> None:
        self._watcher.uncover(event.password)

    @on(UncoverRefused)
    def _stay_covered(self, event: UncoverRefused) -> None:
        if self._cover is not None:
            self._cover.refuse(event.reason)

    @on(Uncovered)
    def _uncover(self) -> None:
        if self._cover is not None:
            self._cover, self._used_at = None, self._clock()
            self.pop_screen()

    # Lists.

    def action_view(self, name: str) -> None:
        """Go to a list, from wherever one is; to the access log once that may be shown."""
        view = View(name)
        if view is View.ACCESS_LOG and view is not self._view:
            self._open_log()
        else:
            self._go_to_list(view)

    def _open_log(self) -> None:
        in_front, self._log_asked = self.screen, next(self._openings)

        def done() -> None:
            if self.screen is in_front:  # nothing else was gone to meanwhile
                self._go_to_list(View.ACCESS_LOG)

        def refuse(refusal: ReadwatchError) -> None:
            words = f"the access log is not shown: the look {refusal.message}"
            self.notify(words, severity="error", markup=False)

        self._records[self._log_asked] = _Record(done, refuse)
        self._watcher.open_log(self._log_asked)

    def _go_to_list(self, view: View) -> None:
        self._records.pop(self._log_asked, None)
        if self._reader is not None:
            self._reader = None
            self.pop_screen()
        if view is not self._view:
            self.switch_screen(self._lists[view])
        self._watch(view)

    def action_saved_views(self) -> None:
        """Offer the views that have names, and a name for the one in front."""
        draft = self._lists[self._view].draft()
        self.push_screen(ViewsScreen(self._desk, draft), self._recall)

    def _recall(self, saved: SavedView | None) -> None:
        self._say_trouble()
        if saved is not None:
            self._lists[saved.view].recall(saved)
            self.action_view(saved.view)

    def action_freeze(self) -> None:
        """Hold the picture, or go on with the newest."""
        self._set_status(frozen=not self._status.frozen, held=0)
        if not self._status.frozen and self._held is not None:
            self._show(self._held)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(self._settings.keys))

    def _watch(self, view: View) -> None:
        self._view = view
        self._held = None
        shown = self._lists[view].shown
        self._set_status(view=view, held=0, frozen=False, pulse=shown.pulse if shown else None)
        self._ask()

    @on(ListScreen.Marked)
    def _mark_seen(self, event: ListScreen.Marked) -> None:
        """Mark a reader as seen and go on to the next, or take the mark back."""
        if not self._is_in_sight or event.screen is not self._lists[self._view]:
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

    def _ask(self) -> None:
        """Ask for the list in front as it is wanted now, with the rows that are in view."""
        wanted = self._lists[self._view]
        sight = wanted.table.sight
        if not sight.height:  # it was never on the screen
            sight = Sight(self.size.height)
        self._watcher.watch(self._view, wanted.question, sight)

    @on(Header.Clicked)
    def _go_to(self, event: Header.Clicked) -> None:
        if self._is_in_sight:
            self.action_view(event.view)

    @on(ListScreen.Asked)
    def _ask_anew(self, event: ListScreen.Asked) -> None:
        if event.screen is self._lists[self._view] and self._reader is None:
            self._ask()

    @on(LiveTable.SightChanged)
    def _look_elsewhere(self, event: LiveTable.SightChanged) -> None:
        if self._lists and event.table is self._lists[self._view].table:
            self._watcher.see(event.sight)
            if event.wanted:
                self._watcher.fetch(self._view, event.wanted)

    @on(ItemsArrived)
    def _take_items(self, event: ItemsArrived) -> None:
        if event.view is self._view and self._consultant is not None:
            self._lists[event.view].fill(event.items)

    @on(QuestionRefused)
    def _say_refused(self, event: QuestionRefused) -> None:
        refused = self._lists[event.view]
        refused.refuse(event.question, event.reason)
        is_in_front = event.view is self._view and self._reader is None
        if is_in_front and refused.question != event.question:
            self._ask()

    @on(OverviewArrived)
    def _take_overview(self, event: OverviewArrived) -> None:
        overview = event.overview
        if overview.view is not self._view or self._consultant is None:
            return
        in_front = self._lists[overview.view]
        if self._reader is not None:
            self._set_pulse(overview.pulse)  # of the lists that go on behind a refused look
        elif overview.question != in_front.question:
            return  # asked for in another way meanwhile
        elif self._is_held and in_front.shown and in_front.shown.question == overview.question:
            self._hold(overview)
        else:
            self._show(overview)

    @property
    def _is_held(self) -> bool:
        return self._status.frozen and self._held is not None

    def _show(self, overview: Overview) -> None:
        self._held = overview
        self._set_pulse(overview.pulse)
        self._lists[overview.view].show(overview)

    def _hold(self, overview: Overview) -> None:
        """Count what is new since the picture was frozen; the feed pages by id."""
        self._held = overview
        self._set_status(held=self._lists[overview.view].count_new(overview), lost_since=None)

    # The palette.

    def action_palette(self) -> None:
        """Offer readers by name, and all that can be done in front of this screen."""
        if self.screen in {self._reader, self._lists[self._view]}:
            palette = PaletteScreen([*self._offers()], masked=self._settings.mask)
            self.push_screen(palette, self._choose)

    def _choose(self, offer: Offer | None) -> None:
        if offer is not None and self._is_in_sight:
            offer.choose()

    def _offers(self) -> Iterator[Offer]:
        here = Group.LISTS if self._reader is None else Group.READER
        for key in KEYS:
            target = self if key.group is Group.EVERYWHERE else self.screen
            _, name, parameters = parse(key.action)
            if key.group not in {here, Group.EVERYWHERE} or key.id == "palette":
                continue
            if target.check_action(name, parameters):
                words = f"{key.meaning} ({' '.join(pressed_for(key, self._settings.keys))})"
                act = partial(self.call_later, self.run_action, key.action, target)
                yield Offer(key.label, words, act)
        for saved in self._desk.views:
            yield Offer(saved.name, words_of(saved), partial(self._recall, saved))
        for theme in themes.NAMES:
            choose = partial(self._choose_theme, theme)
            yield Offer(f"Colours: {theme}", "keep these from now on", choose)

    @on(PaletteScreen.Asked)
    def _find_readers(self, event: PaletteScreen.Asked) -> None:
        self._watcher.find_readers(event.words)

    @on(ReadersFound)
    def _take_found(self, event: ReadersFound) -> None:
        if isinstance(self.screen, PaletteScreen):
            now, ids = self._clock(), tuple(reader.user_id for reader in event.readers)
            offers = [
                Offer(
                    reader.full_name,
                    f"{reader.reading_level}, last login {ago(reader.last_login, now)}",
                    partial(self._open_found, ids, place),
                )
                for place, reader in enumerate(event.readers)
            ]
            self.screen.find(event.words, offers)

    def _open_found(self, reader_ids: tuple[int, ...], place: int) -> None:
        had_page = self._reader is not None
        page = self._look_at(Walk("palette", reader_ids, place))
        if had_page:
            self.switch_screen(page)
        else:
            self.push_screen(page)

    # One reader.

    @on(LiveTable.Opened)
    def _open_reader(self, event: LiveTable.Opened) -> None:
        if not self._is_in_sight:
            return  # shown out or covered while the key was on its way
        seen_in = self._lists[self._view]
        if self._reader is not None or event.table is not seen_in.table:
            return  # another key was faster: these are no longer the rows in front
        if event.reader_id is not None:
            reader_ids = seen_in.readers_in_order()
            if event.reader_id not in reader_ids:  # gone since the key was pressed
                reader_ids = (event.reader_id,)
            walk = Walk(self._view.words, reader_ids, reader_ids.index(event.reader_id))
            self.push_screen(self._look_at(walk))

    @on(ReaderScreen.Walked)
    def _walk(self, event: ReaderScreen.Walked) -> None:
        if self._reader is None or self.screen is not self._reader:
            return  # another key was faster
        walk = self._reader.walk.step(event.places)
        if walk is None:
            self._reader.say_end(event.places)
        else:
            self.switch_screen(self._look_at(walk, panel=self._reader.panel))

    def _look_at(self, walk: Walk, *, panel: Panel = Panel.ACTIVITIES) -> ReaderScreen:
        """Ask for a reader's page, and return a screen on which nothing of another one can be."""
        self._reader = reader = ReaderScreen(next(self._openings), walk, panel)
        self._set_status(frozen=False, held=0)
        self._watcher.open_reader(reader.opening, walk.reader_id, walk.seen_in)
        return reader

    @on(ReaderScreen.ReadOn)
    def _read_on(self, event: ReaderScreen.ReadOn) -> None:
        if self._reader is not None:
            self._watcher.read_older(self._reader.opening, event.oldest)

    @on(ReaderArrived)
    def _take_reader(self, event: ReaderArrived) -> None:
        if self._reader is not None and self._reader.opening == event.page.opening:
            self._set_pulse(event.page.pulse)
            self._reader.show(event.page)

    @on(LookRefused)
    def _say_why_not(self, event: LookRefused) -> None:
        if self._reader is not None and self._reader.opening == event.opening:
            self._reader.refuse(event.reason)

    @on(ReaderScreen.Left)
    def _leave_reader(self) -> None:
        # Not where another key was faster: it has left already, or put another screen in front.
        if self._reader is not None and self.screen is self._reader:
            reader_id, self._reader = self._reader.walk.reader_id, None
            self.pop_screen()
            self._lists[self._view].move_to_reader(reader_id)
            self._watch(self._view)

    # Taking data along: on record first.

    def action_export(self) -> None:
        """Ask for a file for what is shown."""
        if not self._is_in_sight or not self._shows_something:
            return
        reader_id = None if self._reader is None else self._reader.reader_id
        moment = self._clock().astimezone()
        name = f"readwatch-{'reader' if self._reader else self._view}-{moment:%Y-%m-%d-%H%M}.csv"
        self.push_screen(
            ExportScreen(self._table.draft(), str(Path.cwd() / name), reader_id, self._seen_in)
        )

    @on(ExportScreen.Asked)
    def _export(self, event: ExportScreen.Asked) -> None:
        asked, view, shown = event.screen, self._view, self._lists[self._view].shown
        written = 0

        def refuse(refusal: ReadwatchError) -> None:
            asked.refuse(event.name, refusal)

        def done() -> None:
            if self.screen is asked:
                self.pop_screen()
            self.notify(f"wrote {counted(written)} to {file}", markup=False)

        def write_it(read: ReadItems) -> None:
            nonlocal written
            items = read(view, asked.draft.lacking)
            rows = LISTINGS[view].rows(items, shown.pulse.taken_at) if shown else ()
            sheet = asked.draft.sheet(rows)
            write(sheet, file, replace=event.replace)
            written = len(sheet.rows)

        try:
            file = checked_file(event.name, replace=event.replace)
        except ReadwatchError as refusal:
            refuse(refusal)
            return
        details = f"{asked.seen_in}, {format_of(file)}, rows {len(asked.draft.keys)}"
        self._once_on_record(
            Action.EXPORTED_VIEW, asked.reader_id, details, _Record(done, refuse), write_it
        )

    def action_copy(self) -> None:
        """Hand the row under the cursor to the terminal's clipboard."""
        text = self._table.row_in_words()
        if not self._is_in_sight or not self._shows_something or text is None:
            return

        def done() -> None:
            # No terminal says whether it took it.
            self.copy_to_clipboard(spreadsheet_cell(text))
            self.notify(
                "sent to the clipboard; some terminals do not take it (tmux: set-clipboard on)",
                markup=False,
            )

        def refuse(refusal: ReadwatchError) -> None:
            self.notify(f"not copied: {refusal.message}", severity="error", markup=False)

        self._once_on_record(
            Action.COPIED_ROW,
            (self._reader or self._lists[self._view]).reader_id,
            self._seen_in,
            _Record(done, refuse),
            lambda _: None,
        )

    @property
    def _table(self) -> LiveTable:
        return (self._reader or self._lists[self._view]).table

    @property
    def _shows_something(self) -> bool:
        """Whether there is a reader's page, or a list with rows, in front."""
        if self._reader is not None:
            return self._reader.reader_id is not None
        return self._table.cursor_key is not None

    @property
    def _seen_in(self) -> str:
        """What is in front, as the access log says it."""
        if self._reader is not None:
            return f"from a reader's page, {self._table.id}"
        shown = self._lists[self._view].shown
        return f"from {self._view.words}{as_recorded(shown.question.terms if shown else ())}"

    def _once_on_record(
        self,
        action: Action,
        reader_id: int | None,
        details: str,
        record: "_Record",
        then: Callable[[ReadItems], None],
    ) -> None:
        number = next(self._openings)
        self._records[number] = record
        self._watcher.record(number, action, reader_id, details, then)

    @on(Recorded)
    def _go_on(self, event: Recorded) -> None:
        if (record := self._records.pop(event.number, None)) is not None:
            record.done()

    @on(RecordRefused)
    def _say_what_is_not_done(self, event: RecordRefused) -> None:
        if (record := self._records.pop(event.number, None)) is not None:
            record.refused(event.refusal)

    def action_help_quit(self) -> None:
        """Say how to leave, when somebody presses ctrl+c."""
        key = "q" if self._is_in_sight else "escape"
        self.notify(f"{key} leaves the console", timeout=3, markup=False)

    # The header.

    @on(ConnectionLost)
    def _say_lost(self, event: ConnectionLost) -> None:
        self._set_status(lost_since=event.since, reason=event.reason)

    def _set_pulse(self, pulse: Pulse) -> None:
        if self._settings.bell and self._rung_for is not None and pulse.unseen - self._rung_for:
            self.bell()
        self._rung_for = pulse.unseen | self._desk.seen_on(self._today)
        self._set_status(pulse=pulse, lost_since=None)

    def _tick(self) -> None:
        self._cover_if_idle()
        self._tell_seen()  # at midnight all marks are gone
        self._set_status()

    def _set_status(self, **changes: object) -> None:
        self._status = replace(self._status, now=self._clock(), **changes)  # type: ignore[arg-type]
        (self._reader or self._lists[self._view]).header.status = self._status

    # Faults of the program.

    def _fatal_error(self) -> None:
        """Leave without Textual's traceback, whose local variables are readers' data."""
        self._close_messages_no_wait()


def run(settings: ConsoleSettings, *, signed_in: User | None = None) -> None:
    """Show the console until somebody quits it; a fault of the program is raised again.

    When a signal or the terminal ends it, SystemExit has the status that a shell would tell.
    """
    close_all(
        open_current(settings.database_url, Role.SIGN_IN)
    )  # fails here, with a clear sentence
    console = Console(settings, signed_in=signed_in)
    before = {number: signal.getsignal(number) for number in ENDINGS}
    try:
        console.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if console._exception is not None:
        raise console._exception
    if console.return_code:
        sys.exit(console.return_code)
