"""Shared parts of the benchmarks: loads, servers, readers, and tables of figures."""
