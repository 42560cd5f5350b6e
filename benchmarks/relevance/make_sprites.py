"""Draws what bench_relevance pastes its scenes from: the things of the demo model's world, and its sceneries.

    make_sprites.py OUT [FONT]      FONT: NotoColorEmoji.ttf, where it is not installed

Not needed to build or to run anything; the benchmark draws its own pictures from these files.

    sprites.jpg, masks.png    cells of 96 x 96, 16 a row: colours, and what is opaque
    sprites.tsv               name, colour ("-": its own, which has no name) of each cell; "form" and "fill" of a shape
    grounds.jpg               cells of 192 x 192, 4 a row: four of each scenery, in the order of world.BACKGROUNDS
"""
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/train"))
import render  # noqa: E402
import world  # noqa: E402
from PIL import Image, ImageDraw, ImageFilter  # noqa: E402

SEED = 20_261_201        # neither training nor data/demo nor data/demo-relations used it
SIDE, COLUMNS, GROUND, EACH = 96, 16, 192, 4


def spread(im):
    """The colours, run out under what is transparent, so that JPEG and scaling leave no rim."""
    rgb, solid = im.convert("RGB"), im.getchannel("A").point(lambda v: 255 if v > 200 else 0)
    for _ in range(12):
        known = Image.composite(rgb, Image.new("RGB", im.size), solid)
        grown = Image.merge("RGBa", (*known.split(), solid)).filter(ImageFilter.BoxBlur(2)).convert("RGBA")
        rgb = Image.composite(rgb, grown.convert("RGB"), solid)
        solid = grown.getchannel("A").point(lambda v: 255 if v > 0 else 0)
    return Image.composite(rgb, Image.new("RGB", im.size, (128, 128, 128)), solid)


def main():
    out = sys.argv[1]
    if len(sys.argv) > 2:
        render.EMOJI_FONT = sys.argv[2]
    rng, cells = random.Random(SEED), []                     # name, colour, colours, mask
    for name, (chars, _, _, natural) in world.OBJECTS.items():
        for one in chars:
            sprite = render.emoji(one)
            colours = [(natural or "-", sprite)]
            if name in world.TINTED:
                colours += [(c, render.tint(sprite, c)) for c in world.TINTS if (name, c) not in world.UNSEEN]
            for colour, painted in colours:
                small = painted.resize((SIDE, SIDE), Image.LANCZOS)
                cells.append((name, colour, spread(small), small.getchannel("A")))
    for name, draw in render.SHAPE_DRAWERS.items():
        mask = Image.new("L", (4 * SIDE, 4 * SIDE), 0)
        draw(ImageDraw.Draw(mask), 4 * SIDE)
        inner = mask.resize((136, 136)).filter(ImageFilter.MinFilter(5))
        for kind, m in (("form", mask), ("fill", inner)):
            cells.append((name, kind, Image.new("RGB", (SIDE, SIDE)), m.resize((SIDE, SIDE), Image.LANCZOS)))
    rows = (len(cells) + COLUMNS - 1) // COLUMNS
    colours, masks = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE)), Image.new("L", (COLUMNS * SIDE, rows * SIDE))
    for i, (_, _, rgb, mask) in enumerate(cells):
        place = (i % COLUMNS * SIDE, i // COLUMNS * SIDE)
        colours.paste(rgb, place)
        masks.paste(mask.point(lambda v: min(255, (v + 8) // 17 * 17)), place)
    colours.save(os.path.join(out, "sprites.jpg"), quality=85, optimize=True)
    masks.save(os.path.join(out, "masks.png"), optimize=True)
    with open(os.path.join(out, "sprites.tsv"), "w", encoding="utf-8") as f:
        for name, colour, _, _ in cells:
            f.write("%s\t%s\n" % (name, colour))
    grounds = Image.new("RGB", (EACH * GROUND, len(world.BACKGROUNDS) * GROUND))
    for j, kind in enumerate(world.BACKGROUNDS):
        for i in range(EACH):
            grounds.paste(render.background(kind, GROUND, GROUND, rng), (i * GROUND, j * GROUND))
    grounds.save(os.path.join(out, "grounds.jpg"), quality=80, optimize=True)
    print("%d cells" % len(cells))


if __name__ == "__main__":
    main()
