"""The command line that admins work with, and that starts the other faces."""
