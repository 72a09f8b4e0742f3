"""Stories of sessions, and meters' records, as `contracts/Corrections.sol` takes them."""
