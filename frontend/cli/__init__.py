"""The verbs of the render command, one file each."""
