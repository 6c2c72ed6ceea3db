"""Reading .blend files without Blender."""

from renderd.blend.file import BlendFile, read, read_thumbnail
from renderd.blend.scenes import Scene
from renderd.blend.settings import SceneSettings, read_settings
from renderd.blend.thumbnail import Size, Thumbnail

__all__ = [
    "BlendFile",
    "Scene",
    "SceneSettings",
    "Size",
    "Thumbnail",
    "read",
    "read_settings",
    "read_thumbnail",
]
