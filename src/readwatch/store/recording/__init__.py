"""The ingest path: activities, heartbeats, and the rollups in the same transaction."""
