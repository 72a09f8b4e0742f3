"""Quarter hours: who is allocated which energy, and what a meter counted beyond that."""
