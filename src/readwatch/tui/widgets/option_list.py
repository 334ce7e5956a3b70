"""A list of options."""

from textual.widgets import OptionList


class PlainOptionList(OptionList):
    """An option list with the cursor of the tables, which is visible without colours, too."""

    DEFAULT_CSS = """
    PlainOptionList, PlainOptionList:focus {
        height: auto; border: none; padding: 0; background: $surface; background-tint: transparent;
        scrollbar-size-vertical: 1;
    }
    PlainOptionList:focus > .option-list--option-highlighted,
    PlainOptionList.-focused > .option-list--option-highlighted {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    PlainOptionList:nocolor:focus > .option-list--option-highlighted,
    PlainOptionList.-focused:nocolor > .option-list--option-highlighted {
        background: $background; color: $foreground; text-style: reverse;
    }
    """
