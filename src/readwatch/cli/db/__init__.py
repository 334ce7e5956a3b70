"""The commands of `readwatch db`."""
