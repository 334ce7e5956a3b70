"""Retention, erasure, personal data export, and the health of the database."""
