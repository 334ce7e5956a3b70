"""The two database engines: connections, statements, migrations and privileges."""
