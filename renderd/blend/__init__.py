"""Reading .blend files without Blender."""

from renderd.blend.dependencies import Dependencies, Graphs, read_dependencies
from renderd.blend.external import Reference
from renderd.blend.file import BlendFile, read, read_thumbnail
from renderd.blend.physics import Unbaked
from renderd.blend.scenes import Scene
from renderd.blend.settings import SceneSettings, read_settings
from renderd.blend.thumbnail import Size, Thumbnail

__all__ = [
    "BlendFile",
    "Dependencies",
    "Graphs",
    "Reference",
    "Scene",
    "SceneSettings",
    "Size",
    "Thumbnail",
    "Unbaked",
    "read",
    "read_dependencies",
    "read_settings",
    "read_thumbnail",
]
