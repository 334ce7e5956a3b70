"""The HTTP service that readers' apps use."""
