"""The terminal: its driver, the widths of its cells, its colour themes."""
