"""The access log: events are appended to a hash chain before the data they name is read."""
