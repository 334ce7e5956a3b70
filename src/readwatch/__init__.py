"""See who is reading what, live, and keep a record of who looked."""

__version__ = "0.1.0"
