"""The writes of the ingest service: activities with their rollups, and the writer thread."""
