"""Scripts that run inside Blender; they import nothing of ours but each other."""
