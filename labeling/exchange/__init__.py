"""Truth out and labels in, in the formats of the field. Formats are pure; `truth`, `importing`, `jobs` are services."""
