"""Reading .blend files without Blender."""
