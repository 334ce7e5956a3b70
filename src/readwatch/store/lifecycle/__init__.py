"""What happens to data over time: retention, erasure, export, and checks of its health."""
