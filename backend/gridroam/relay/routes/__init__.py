"""The relay's HTTP API, version 1. Handlers read, ask the relay, answer; they hold no rules."""
