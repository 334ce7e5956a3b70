"""The reports of `readwatch report`, and how they look."""
