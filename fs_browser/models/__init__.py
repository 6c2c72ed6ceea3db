"""What the window shows, without widgets: rows, places, threads that read."""
