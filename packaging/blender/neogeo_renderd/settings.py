"""What is kept: the spool in the preferences, what to send with each scene."""

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from . import spool


class SceneSettings(bpy.types.PropertyGroup):
    """A scene's tick and frames; the other settings of the scene in view hold for all jobs."""

    is_sent: BoolProperty(
        name="Send", description="Send this scene; where none is ticked the scene in view is sent"
    )
    frames: StringProperty(
        name="Frames", description="Like 1-250, 1-250x2,300 or -20--11; empty: the scene's range"
    )
    chunk: IntProperty(
        name="Chunk", description="Frames that a machine takes at a time", default=10, min=1
    )
    priority: IntProperty(
        name="Priority", description="Higher goes first", default=50, min=0, max=99
    )
    pool: StringProperty(
        name="Pool", description="Only machines of this pool, several with commas; empty: any"
    )
    is_held: BoolProperty(
        name="Hold", description="Queue it, but start nothing until it is released"
    )


class Preferences(bpy.types.AddonPreferences):
    """Where the farm is."""

    bl_idname = __package__

    spool: StringProperty(
        name="Spool Folder",
        description="The shared folder that is the farm; empty: as the daemon is told here",
        subtype="DIR_PATH",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """One field, and where its value comes from while it is empty."""
        found, origin = spool.configured()
        self.layout.prop(self, "spool", placeholder=found)
        if not self.spool.strip():
            said = f"From {origin}" if found else "No daemon is set up here: name the farm's folder"
            self.layout.label(text=said, icon="INFO" if found else "ERROR")
