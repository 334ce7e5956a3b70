"""The demo: simulated readers in a temporary database, with real HTTP requests."""
