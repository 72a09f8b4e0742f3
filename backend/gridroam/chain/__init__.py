"""What touches JSON-RPC, ABI, nonces, gas and events. Knows no database and no HTTP API."""
