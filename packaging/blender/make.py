"""Make the Blender extension: one zip with its manifest at the root, the same bytes each time."""

import sys
import tomllib
import zipfile
from pathlib import Path

SOURCE = Path(__file__).with_name("neogeo_renderd")
LICENSE = Path(__file__).parents[2] / "LICENSE"
_DATE = (1980, 1, 1, 0, 0, 0)  #: the earliest that a zip can say


def make(folder: Path) -> Path:
    """Write `neogeo_renderd-VERSION.zip` into a folder; its path."""
    manifest = tomllib.loads((SOURCE / "blender_manifest.toml").read_text("utf-8"))
    path = folder / f"{manifest['id']}-{manifest['version']}.zip"
    files = sorted([*SOURCE.glob("*.py"), SOURCE / "blender_manifest.toml", LICENSE])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return path


if __name__ == "__main__":
    print(make(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
