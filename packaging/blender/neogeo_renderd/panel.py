"""The button: a panel in the Output properties, an entry in the Render menu."""

import os
import textwrap

import bpy
from bpy.props import BoolProperty

from . import jobs, sending, watch
from .jobs import Hindrance

_DIALOG = 420  #: pixels, before Blender scales them, as is the next
_LETTER = 6.5


class RENDER_OT_renderd_send(bpy.types.Operator):
    """Send the ticked scenes to the render farm; saves the file first if it has changes"""

    bl_idname = "render.renderd_send"
    bl_label = "Render Daemon"
    bl_options = {"REGISTER"}

    shows_settings: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """From the menu show the settings first; ask before anything is saved."""
        if self.shows_settings:
            return context.window_manager.invoke_props_dialog(
                self, width=_DIALOG, title="Render Daemon", confirm_text="Send"
            )
        if context.blend_data.is_dirty and not sending.hindrances(context):
            file = os.path.basename(context.blend_data.filepath)
            return context.window_manager.invoke_confirm(
                self,
                event,
                title="Save and send?",
                message=f"{file} has unsaved changes; the farm renders the saved file.",
                confirm_text="Save and Send",
            )
        return self.execute(context)

    def draw(self, context: bpy.types.Context) -> None:
        """The settings, in the dialog of the menu."""
        draw_settings(self.layout, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Send; one sentence tells what was sent, or what hinders."""
        try:
            sent = sending.send(context)
        except Hindrance as hindrance:
            self.report({"ERROR"}, str(hindrance))
            return {"CANCELLED"}
        self.report({"INFO"}, sent.sentence(os.path.basename(context.blend_data.filepath)))
        return {"FINISHED"}


class RENDER_PT_renderd(bpy.types.Panel):
    """What is sent, with which settings, and the button."""

    bl_label = "Render Daemon"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"

    def draw(self, context: bpy.types.Context) -> None:
        """Settings, what hinders, and the button."""
        hindered = draw_settings(self.layout, context)
        row = self.layout.row()
        row.scale_y = 1.4
        row.enabled = not hindered
        row.operator(RENDER_OT_renderd_send.bl_idname, text="Send", icon="RENDER_ANIMATION")
        if watch.last is not None and watch.last.said:
            icon = "ERROR" if watch.last.is_bad else "CHECKMARK"
            _say(self.layout, context, watch.last.said, icon)


def draw_settings(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Draw what is sent and what hinders it; whether something does."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    scenes = sending.own(context.blend_data)
    if len(scenes) > 1:
        _draw_scenes(layout, scenes)
    else:
        layout.prop(context.scene.renderd, "frames", placeholder=_own(context.scene))
    column = layout.column(align=True)
    common = context.scene.renderd
    column.prop(common, "chunk")
    column.prop(common, "priority", slider=True)
    layout.prop(common, "pool", placeholder="any")
    layout.prop(common, "is_held")
    found = sending.hindrances(context)
    for hindrance in found:
        _say(layout, context, hindrance, "ERROR")
    if not found:
        layout.label(text=_summary(context))
    return bool(found)


def _say(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str) -> None:
    """A sentence on as many lines as it needs: Blender would cut it at the panel's edge."""
    is_panel = context.region is not None and context.region.type == "WINDOW"
    scale = context.preferences.system.ui_scale or 1  # none without a screen
    width = context.region.width / scale if is_panel else _DIALOG
    letters = int(width / _LETTER) - 8
    column = layout.column(align=True)
    for line in textwrap.wrap(text, max(letters, 16)):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1"


def _draw_scenes(layout: bpy.types.UILayout, scenes: list[bpy.types.Scene]) -> None:
    box = layout.box().column(align=True)
    for scene in scenes:
        split = box.split(factor=0.6)
        split.use_property_split = False
        split.prop(scene.renderd, "is_sent", text=scene.name, translate=False)
        split.prop(scene.renderd, "frames", text="", placeholder=_own(scene))


def _own(scene: bpy.types.Scene) -> str:
    return jobs.own_frames(scene.frame_start, scene.frame_end, scene.frame_step)


def _summary(context: bpy.types.Context) -> str:
    scenes = sending.chosen(context)
    frames = sum(jobs.count(sending.frames_of(scene)) for scene in scenes)
    what = scenes[0].name if len(scenes) == 1 else f"{len(scenes)} scenes"
    return f"{what}: {frames:,} frame" + ("" if frames == 1 else "s")


def draw_in_menu(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """Draw the entry at the end of the Render menu."""
    menu.layout.separator()
    entry = menu.layout.operator(RENDER_OT_renderd_send.bl_idname, text="Render Daemon…")
    entry.shows_settings = True
