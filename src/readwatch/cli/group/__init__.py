"""The commands of `readwatch group`."""
