"""Who may see what in the console: sign-in, sessions, roles, and the log of who saw what."""
