"""How things look in a terminal: numbers, times, tables, curves. Pure functions, no store."""
