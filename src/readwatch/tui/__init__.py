"""The console: what a consultant sees in a terminal."""

import os

if "SSH_CONNECTION" in os.environ:
    # Textual reads it once, when it is imported: pictures that a line cannot carry only pile up.
    os.environ.setdefault("TEXTUAL_FPS", "15")
