"""The command line: it runs all programs, and imports each when its command is called."""
