"""What the tables of the window hold; no widgets."""
