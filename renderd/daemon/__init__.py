"""The daemon: reads the clock, asks core, acts through spool and host."""
