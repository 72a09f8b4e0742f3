"""A market on a local chain, for developers, demo, tests and benchmarks. Never for real money."""
