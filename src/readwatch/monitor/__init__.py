"""The live read model of the console: one thread that reads the database; no terminal library."""
