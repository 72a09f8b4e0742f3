"""The relay: takes signed messages over HTTP, stores them and brings them to the ledger."""
