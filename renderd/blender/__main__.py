"""``python -m renderd.blender``: Blender's command line for the bpy package."""

import os
import sys
from collections.abc import Sequence

from renderd.blender import versions
from renderd.core.options import walk

USAGE = """Usage: python -m renderd.blender -b FILE.blend [options] -a
Renders with Blender as a Python package and reads Blender's own options, in their order:
-b -S -o -s -e -j -f -a -F -x -E -t -P --python-expr --python-text --python-exit-code --addons
-y -Y --factory-startup -v -- (docs/reference/blender.md says where it is stricter)."""


def main(argv: Sequence[str]) -> int:
    """Do what the words say; 0 when every frame was written, else 1."""
    options = tuple(walk(argv))
    names = {option.name for option in options}
    module = versions.find_module()
    if "-h" in names:
        sys.stdout.write(USAGE + "\n")
        return 0
    if module is None:
        sys.stderr.write("Error: the Python package 'bpy' is not installed; pip install bpy\n")
        return 1
    if "-v" in names and module.version:
        sys.stdout.write(f"Blender {module.text}\n")
        return 0
    # Cycles reads its own options behind '--' at the import, which also takes half a second.
    sys.argv = ["blender", *argv]
    from renderd.blender.session import Session  # noqa: PLC0415

    return Session(options).play()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # The package of 4.2 crashes while Python takes it down, after all is written.
    os._exit(status)
