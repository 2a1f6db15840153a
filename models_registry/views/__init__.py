"""Pages of runs, and the decisions about versions. Parse, one service or queryset, render."""
