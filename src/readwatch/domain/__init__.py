"""The words and rules of readwatch, in the standard library alone: no database, no screen."""
