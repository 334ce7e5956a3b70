"""See who is reading what, live, and log every access to a reader's data."""

__version__ = "0.1.0"
