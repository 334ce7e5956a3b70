"""The console: the terminal program of consultants."""

import os

if "SSH_CONNECTION" in os.environ:
    # Textual reads this at its import. A low rate: frames that a slow line cannot transmit pile up.
    os.environ.setdefault("TEXTUAL_FPS", "15")
