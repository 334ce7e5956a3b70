"""The data of the console: one thread reads the database; this package uses no terminal library."""
