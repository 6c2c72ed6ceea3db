"""The fs command: a file browser that works like Blender's."""
