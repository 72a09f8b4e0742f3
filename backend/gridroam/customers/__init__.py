"""A supplier's own data: which salted hash on the chain is which contract. Encrypted at rest, each
supplier under a key of its own, and gone for good once it is forgotten."""
