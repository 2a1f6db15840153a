"""Who sits at a station: shared screens, badges and PINs, changes of people, pauses, notes for the next shift."""
