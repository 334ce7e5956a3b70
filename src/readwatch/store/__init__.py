"""The database: only this package uses SQL, Peewee and the two engines."""
