"""The HTTP service that readers' apps talk to."""
