"""What energy, time, money and decisions mean. Imports nothing else of the project."""
