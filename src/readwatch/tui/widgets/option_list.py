"""Where one of several lines is chosen."""

from textual.widgets import OptionList


class PlainOptionList(OptionList):
    """A list whose cursor looks like that of the tables, also where there are no colours."""

    DEFAULT_CSS = """
    PlainOptionList, PlainOptionList:focus {
        height: auto; border: none; padding: 0; background: $surface; background-tint: transparent;
        scrollbar-size-vertical: 1;
    }
    PlainOptionList:focus > .option-list--option-highlighted,
    PlainOptionList.-lively > .option-list--option-highlighted {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    PlainOptionList:nocolor:focus > .option-list--option-highlighted,
    PlainOptionList.-lively:nocolor > .option-list--option-highlighted {
        background: $background; color: $foreground; text-style: reverse;
    }
    """
