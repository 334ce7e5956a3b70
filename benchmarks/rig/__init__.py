"""What the benchmarks share: a load, servers and readers to put it on, tables of figures."""
