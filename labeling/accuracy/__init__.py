"""What is known of a version's accuracy in a window of production days, in figures that pages, API and CSV share."""
