"""What stands at the charging station: the kit that signs and keeps, and the simulator of it."""
