"""The commands of `readwatch user`."""
