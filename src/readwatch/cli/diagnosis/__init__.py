"""The checks of `readwatch doctor`: each checks one thing and yields findings."""
