"""A temporary world of simulated readers, over real HTTP, for a first look at readwatch."""
