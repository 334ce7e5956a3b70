"""The commands of `readwatch maintenance`."""
