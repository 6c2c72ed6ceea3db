"""The render command: command line and window."""
