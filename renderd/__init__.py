"""The render farm that needs no server: spool, daemon, Blender."""

__version__ = "0.2.0.dev0"
