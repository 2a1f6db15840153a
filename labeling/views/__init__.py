"""Pages that show people's work and a model's life together. Parse, one service or queryset, render."""
