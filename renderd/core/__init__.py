"""Pure rules of the farm: no files, no clocks, no threads."""
