"""The console: what a consultant sees in a terminal."""
