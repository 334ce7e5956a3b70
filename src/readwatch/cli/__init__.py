"""The command line: it starts all other programs, each imported when its command runs."""
