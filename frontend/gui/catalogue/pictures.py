"""What can be done with the frame that is looked at."""

from frontend.gui.actions import About, Deed
from frontend.gui.deeds import frames

DEEDS = (
    Deed(
        key="frame-open",
        title="&Open frame",
        about=About.FRAMES,
        does="Open the frame with the program that the settings name, else the desktop's",
        icon="open",
        do=frames.open_,
        may=frames.any_file,
    ),
    Deed(
        key="frame-play",
        title="&Play sequence",
        about=About.FRAMES,
        does="Play all frames with the program that the settings name, else with Blender",
        icon="resume",
        shortcut="Ctrl+Shift+P",
        do=frames.play,
        may=frames.any_files,
    ),
    Deed(
        key="frame-show",
        title="Show in &folder",
        about=About.FRAMES,
        does="Show the frame among its files in fs, our file browser",
        icon="folder",
        do=frames.show_in_folder,
        may=frames.any_file,
    ),
    Deed(
        key="frame-copy",
        title="&Copy path of frame",
        about=About.FRAMES,
        does="Copy where the frame lies",
        icon="copy",
        do=frames.copy_path,
        may=frames.any_file,
    ),
    Deed(
        key="frame-redo",
        title="&Redo this frame",
        about=About.FRAMES,
        does="Render the frame again; the old one stays until the new one is whole",
        icon="redo",
        do=frames.redo,
        may=frames.any_frame,
    ),
)
