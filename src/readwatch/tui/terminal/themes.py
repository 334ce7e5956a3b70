"""The themes of the console: dark, light, and the terminal's own colours."""

import os
from collections.abc import Mapping
from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = replace(
    BUILTIN_THEMES["textual-dark"],
    name="readwatch-dark",
    # Amber is for warnings only.
    accent="#4aa8ff",
    variables={
        "block-cursor-background": "#005a9c",
        "text-accent": "#7cc0ff",
        "scrollbar": "#5a6a75",
        "scrollbar-background": "#1e1e1e",
    },
)
LIGHT = Theme(
    name="readwatch-light",
    primary="#004578",
    foreground="#1f1f1f",
    background="#f4f4f4",
    surface="#ffffff",
    panel="#e6ebef",
    dark=False,
    # The text colours of Textual's light theme have too little contrast.
    variables={
        "text-success": "#1b6b36",
        "text-warning": "#8a5200",
        "text-error": "#a3123a",
        "text-accent": "#005a9c",
        "footer-key-foreground": "#005a9c",
        "block-cursor-blurred-background": "#cbdbe6",
        "scrollbar": "#8a9aa5",
        "scrollbar-background": "#ffffff",
    },
)

DEFAULT = "dark"


def textual_name(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return Textual's name of the theme `dark`, `light` or `terminal`; any other is dark.

    Some terminals set COLORFGBG, which tells whether the background is light: white is 7 or 15.
    """
    ground = environment.get("COLORFGBG", "").rpartition(";")[2]
    own = "ansi-light" if ground in {"7", "15"} else "ansi-dark"
    return {"light": LIGHT.name, "terminal": own}.get(name, DARK.name)


NAMES = (DEFAULT, "light", "terminal")
