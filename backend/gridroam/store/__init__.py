"""Everything that is SQL: the relay's database, its schema and its transactions."""
