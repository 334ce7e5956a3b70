"""The panel below the list of groups: the charts of the group under the cursor."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from readwatch.domain.group_figures import WEEKS, GroupDetail
from readwatch.domain.text import SafeText
from readwatch.tui.format.columns import cut, fit
from readwatch.tui.format.group_panel import panel_lines

_TOO_FEW = "no figures: so few have read in these weeks that they would be about each of them"


@dataclass(frozen=True, slots=True)
class GroupOnPanel:
    """A group and its detail, None until it is read, and if the group `is_of_few` readers."""

    name: SafeText
    detail: GroupDetail | None
    is_of_few: bool


class GroupPanel(Widget):
    """A heading and charts; repainted only when the group or its detail changes."""

    DEFAULT_CSS = """
    GroupPanel { height: 10; background: $surface; color: $foreground; }
    """

    group: reactive[GroupOnPanel | None] = reactive(None)

    def render(self) -> Content:
        """Return the heading, and below it the charts."""
        if self.group is None:
            return Content("")
        width, detail = self.size.width, self.group.detail
        words = f"  {cut(self.group.name, width // 2)}   the last {WEEKS} weeks"
        heading = Content.styled(fit(words, width), "bold $foreground on $panel")
        if self.group.is_of_few:
            return heading + Content.styled(f"\n  {cut(_TOO_FEW, width - 4)}", "dim")
        if detail is None:
            return heading
        return Content("\n").join([heading, *panel_lines(detail, width, self.size.height - 1)])
