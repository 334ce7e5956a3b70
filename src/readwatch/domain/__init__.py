"""The records and rules of readwatch, with the standard library only: no database, no screen."""
