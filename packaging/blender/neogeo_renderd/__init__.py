"""Render Daemon: sends scenes of the open file to a neogeo-renderd farm."""

import bpy

from . import panel, settings, watch

_CLASSES = (
    settings.SceneSettings,
    settings.Preferences,
    panel.RENDER_OT_renderd_send,
    panel.RENDER_PT_renderd,
)


def register() -> None:
    """Add the button, its panel, its menu entry and the preferences."""
    for one in _CLASSES:
        bpy.utils.register_class(one)
    bpy.types.Scene.renderd = bpy.props.PointerProperty(type=settings.SceneSettings)
    bpy.types.TOPBAR_MT_render.append(panel.draw_in_menu)


def unregister() -> None:
    """Take all of it away again."""
    watch.end()
    bpy.types.TOPBAR_MT_render.remove(panel.draw_in_menu)
    del bpy.types.Scene.renderd
    for one in reversed(_CLASSES):
        bpy.utils.unregister_class(one)
