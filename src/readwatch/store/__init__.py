"""The database: the only place that knows SQL, Peewee and the two engines."""
