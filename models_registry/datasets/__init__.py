"""What may be said of a frozen dataset: how it is split, what is in it, how two of them differ. Pure."""
