"""Running Blender in the background."""
