"""The Monte-Carlo protocols of STATISTICS §7.2 to §7.4: each runs in parts, and gives rows of plain numbers."""
