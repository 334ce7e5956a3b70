"""The live read model behind the console: what it shows, how current it is, and for whom."""
