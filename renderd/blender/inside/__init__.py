"""Scripts that run inside Blender; they import nothing of ours."""
