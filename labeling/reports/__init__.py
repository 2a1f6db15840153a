"""Reports on production days: measured from the rollups, frozen when a person signs, followed by dated addenda."""
