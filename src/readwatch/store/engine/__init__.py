"""The two database engines: connections, migrations, privileges, and how statements run."""
