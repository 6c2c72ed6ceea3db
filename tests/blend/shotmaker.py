"""A shot of one scene with pictures from files, a camera and a cloth, made from nothing."""

import blendmaker
from blendmaker import Age, block, dna1, end, laid_out

AGE = Age(304)
CAMERA, CLOTH, MODIFIER, CACHE, FIRST = 0x1000, 0x2000, 0x3000, 0x4000, 0x9000
PICTURES = 4

_POINTERS = [("Image", f"*picture{number}") for number in range(PICTURES)]
_SCENE = [*dict(blendmaker.MODERN)["Scene"], ("Pictures", "uses"), ("Object", "*thing")]
_MODIFIER = [("void", "*next"), ("void", "*prev"), ("int", "type"), ("int", "mode")]
STRUCTS = [
    *((name, fields) for name, fields in blendmaker.MODERN if name != "Scene"),
    ("Pictures", _POINTERS),
    ("Scene", _SCENE),
    ("Image", [("ID", "id"), ("char", "name[1024]"), ("short", "source"), ("short", "type")]),
    ("PointCache", [("int", "flag"), ("int", "step")]),
    ("ModifierData", _MODIFIER),
    ("ClothModifierData", [("ModifierData", "modifier"), ("PointCache", "*point_cache")]),
]
_NUMBERS = {name: number for number, (name, _) in enumerate(STRUCTS)}


def _block(code, kind, address, values):
    data = laid_out(AGE, STRUCTS, kind, values)
    return block(AGE, code, data, address=address, kind=_NUMBERS[kind])


def shot(pictures=(), *, camera=True, cloth=None, unused=(), out=b"//out/####.png", **scene):
    """The file's bytes: paths of pictures the scene uses, of others; a cloth, baked or not."""
    values = {
        "id.name": b"SCMain",
        "r.sfra": 1,
        "r.efra": 30,
        "r.frs_sec": 24,
        "r.xsch": 8,
        "r.ysch": 8,
        "r.size": 100,
        "r.pic": out,
        "r.im_format.imtype": 17,
        "camera": CAMERA if camera else 0,
        "thing": CLOTH if cloth is not None else 0,
        **{key.replace("__", "."): value for key, value in scene.items()},
    }
    rest = b""
    for number, path in enumerate((*pictures, *unused)):
        if number < len(pictures):
            values[f"uses.picture{number}"] = FIRST + number
        name = b"IM" + path.rpartition(b"/")[2].partition(b".")[0]
        image = {"id.name": name, "name": path, "source": 1}
        rest += _block(b"IM", "Image", FIRST + number, image)
    if cloth is not None:
        rest += _block(b"OB", "Object", CLOTH, {"id.name": b"OBFlag"})
        modifier = {"modifier.mode": 3, "point_cache": CACHE}
        rest += _block(b"DATA", "ClothModifierData", MODIFIER, modifier)
        rest += _block(b"DATA", "PointCache", CACHE, {"flag": int(cloth)})
    rest += _block(b"OB", "Object", CAMERA, {"id.name": b"OBCam"})
    rest = _block(b"SC", "Scene", 64, values) + rest + dna1(AGE, STRUCTS) + end(AGE)
    return blendmaker.blend(AGE, [(b"Main", 1, 30)], rest=rest)
