"""Invented readers who read over real HTTP: for the demo, the tests and the benchmarks."""
