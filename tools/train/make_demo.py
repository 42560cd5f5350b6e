"""Draws data/demo: a small picture library with everything a real one has, and the truth about it in TSV files.

    make_demo.py OUT        deterministic: the same bytes every time with the same Pillow
"""
import argparse
import os
import random
import shutil

from PIL import Image, ImageEnhance, ImageOps

import render
import world

SEED = 20_251_121        # never used for training

# Pictures worth asking for: query, (background, groups as (name, colour, texture, count), relation), claims of the query
WISHES = [
    ("a red car in the snow", ("snow", [("car", "red", None, 1)], None), ["k:car|red|", "bg:snow"]),
    ("a rocket in the night sky", ("night", [("rocket", None, None, 1)], None), ["k:rocket||", "bg:night"]),
    ("three penguins in the snow", ("snow", [("penguin", None, None, 3)], None), ["n:penguin||:3", "bg:snow"]),
    ("a puppy on the grass", ("grass", [("dog", None, None, 1)], None), ["k:dog||", "n:dog||:1", "bg:grass"]),
    ("a cat to the left of a dog", ("room", [("cat", None, None, 1), ("dog", None, None, 1)], "left"),
     ["r:cat||:left:dog||"]),
    ("a sailboat at sunset", ("sunset", [("sailboat", None, None, 1)], None), ["k:sailboat||", "bg:sunset"]),
    ("a camel in the desert", ("desert", [("camel", None, None, 1)], None), ["k:camel||", "bg:desert"]),
    ("two parrots in the forest", ("forest", [("parrot", None, None, 2)], None), ["n:parrot||:2", "bg:forest"]),
    ("a birthday cake and a gift in a room", ("room", [("cake", None, None, 1), ("gift", None, None, 1)], None),
     ["k:cake||", "k:gift||", "bg:room"]),
    ("a yellow bus on a city street", ("city", [("bus", "yellow", None, 1)], None), ["k:bus|yellow|", "bg:city"]),
    ("a blue balloon in the sky", ("plain:white", [("balloon", "blue", None, 1)], None), None),
    ("a striped red heart", ("plain:white", [("heart", "red", "striped", 1)], None), ["k:heart|red|striped"]),
    ("a green triangle above a yellow star", ("plain:gray", [("triangle", "green", "solid", 1),
                                                              ("star", "yellow", "solid", 1)], "above"),
     ["r:triangle|green|:above:star|yellow|"]),
    ("a shark in the ocean", ("sea", [("shark", None, None, 1)], None), ["k:shark||", "bg:sea"]),
    ("a snowman at night", ("night", [("snowman", None, None, 1)], None), ["k:snowman||", "bg:night"]),
    ("four strawberries on a white background", ("plain:white", [("strawberry", None, None, 4)], None),
     ["n:strawberry||:4", "bg:plain:white"]),
    ("a pink dress indoors", ("room", [("dress", "pink", None, 1)], None), ["k:dress|pink|", "bg:room"]),
    ("an empty starry night sky", ("night", [], None), ["empty", "bg:night"]),
    ("a bicycle in front of buildings", ("city", [("bicycle", None, None, 1)], None), ["k:bicycle||", "bg:city"]),
    ("an owl on top of a laptop", ("plain:blue", [("owl", None, None, 1), ("laptop", None, None, 1)], "above"),
     ["r:owl||:above:laptop||"]),
]
PLACES_ON_EARTH = [("N", 38.7223, "W", 9.1393), ("N", 59.9139, "E", 10.7522), ("S", 33.8688, "E", 151.2093),
                   ("N", 35.6762, "E", 139.6503), ("S", 1.2921, "E", 36.8219)]
CAMERAS = [("Drawn World", "Pencil One"), ("Drawn World", "Crayon II"), ("Paper Optics", "P-20")]
ORIENT = {3: Image.ROTATE_180, 6: Image.ROTATE_90, 8: Image.ROTATE_270}     # how the pixels are stored


def wished_scene(rng, spec):
    background, groups, relation = spec
    made = [world.Group(*g) for g in groups]
    kind = "empty" if not made else "pair" if len(made) == 2 else "count" if made[0].count > 1 else "single"
    while True:
        s = world.Scene(kind, background, made)
        world.place(rng, s)
        if relation in (None, s.relation) and s.size_word != "small":
            return s


def scenes(rng):
    """All scenes of the collection; no caption fits two of them."""
    plans = [("wish", w[1]) for w in WISHES]
    for name in world.OBJECTS:
        plans += [("single", name)] * (2 if world.CATEGORY_OF[name] == "vehicles" else 1)
    plans += [("single", name) for name in world.SHAPES] * 3
    plans += [("count", None)] * 24 + [("pair", None)] * 62 + [("mixed", None)] * 14 + [("triple", None)] * 14
    plans += [("empty", None)] * 8
    chosen = []
    for kind, what in plans:
        for _ in range(200):
            s = wished_scene(rng, what) if kind == "wish" else world.sample_scene(rng, kind, name=what)
            if kind == "empty" and s.background.startswith("plain"):
                continue
            for _ in range(5):
                text, claims = world.caption(rng, s, 1.0, plainly=True)
                have = world.facts(s)
                if not s.groups:
                    have.add("empty")
                    claims = claims + ["empty"]
                if (kind == "empty" or "bg:" + s.background in claims) and not any(
                        set(claims) <= f or set(c) <= have for _, _, c, f in chosen):
                    break
            else:
                continue
            chosen.append((s, text, claims, have))
            break
        else:
            assert kind == "empty", (kind, what)
    return chosen


def folder(s):
    if not s.groups:
        return "places"
    names = [g.name for g in s.groups]
    kinds = {world.CATEGORY_OF.get(n, "shapes") for n in names}
    if s.kind in ("pair", "mixed", "triple"):
        return kinds.pop() if len(kinds) == 1 else "together"
    if s.background == "night" and "shapes" not in kinds:
        return "night"
    if s.background == "snow" and "shapes" not in kinds:
        return "winter"
    return kinds.pop()


def exif_block(rng, number, camera, gps, orientation=None):
    e = Image.Exif()
    if orientation:
        e[0x0112] = orientation
    if camera:
        e[0x010F], e[0x0110] = rng.choice(CAMERAS)
    year = 2019 + number % 7
    stamp = "%04d:%02d:%02d %02d:%02d:%02d" % (year, rng.randint(1, 12), rng.randint(1, 28), rng.randint(6, 22),
                                              rng.randint(0, 59), rng.randint(0, 59))
    e[0x0132] = stamp
    e[0x8769] = {0x9003: stamp, 0x9004: stamp}
    if gps:
        ns, lat, ew, lon = rng.choice(PLACES_ON_EARTH)

        def parts(v):
            minutes = (v - int(v)) * 60
            return (float(int(v)), float(int(minutes)), round((minutes - int(minutes)) * 60, 2))
        e[0x8825] = {1: ns, 2: parts(lat), 3: ew, 4: parts(lon)}
    return e


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    a = p.parse_args()
    world.SHAPE_SHARE = 0.3
    rng, sprites = random.Random(SEED), render.Sprites(shape_side=384)
    known = ["animals", "food", "vehicles", "things", "shapes", "together", "places", "night", "winter", "backup",
             "edited", "unsorted"]
    for d in known:
        shutil.rmtree(os.path.join(a.out, d), ignore_errors=True)
        os.makedirs(os.path.join(a.out, d))
    collection = scenes(rng)
    rows, labels, per_file, upright, jpegs = [], [], {}, {}, 0
    for number, (s, text, _, have) in enumerate(collection):
        fmt = rng.choices(["jpg", "png", "webp"], [0.64, 0.16, 0.2])[0]
        short = rng.randint(200, 300) if fmt == "png" else rng.choice([240, 300, 360, 400, 480, 500])
        ratio = rng.choice([1.0, 4 / 3, 4 / 3, 3 / 2, 1.6, 3 / 4])
        w, h = (short, int(short / ratio)) if ratio < 1 else (int(short * ratio), short)
        im = render.background(s.background, w, h, rng)
        render.compose(s, im, sprites, rng)
        im = ImageEnhance.Brightness(im).enhance(rng.uniform(0.9, 1.08))
        stem = "-".join([g.name.replace(" ", "-") for g in s.groups] or ["view"])
        where = s.background.replace("plain:", "")
        name = "%s/%s-%s-%03d.%s" % (folder(s), stem, where, number + 1, fmt)
        path, note = os.path.join(a.out, name), ""
        if fmt == "jpg":
            jpegs += 1
            orientation = (6, 8, 3)[jpegs // 14 % 3] if jpegs % 14 == 5 else None
            extra = {}
            if orientation or rng.random() < 0.6:
                extra["exif"] = exif_block(rng, number, rng.random() < 0.5, rng.random() < 0.12, orientation)
            stored = im.transpose(ORIENT[orientation]) if orientation else im
            stored.save(path, quality=rng.choice([80, 86, 92]), **extra)
            if orientation:
                note = "exif_orientation=%d" % orientation
                assert ImageOps.exif_transpose(Image.open(path)).size == im.size
        elif fmt == "png":
            im.save(path, optimize=True)
        else:
            im.save(path, quality=rng.choice([75, 85, 90]), method=4)
        one = s.groups[0].name if s.kind == "single" else ""
        rows.append((name, text, one, note))
        per_file[name], upright[name] = have, im
        if one:
            labels.append((name, one))

    singles = [r for r in rows if r[2] and not r[3]]
    picked = rng.sample(singles, 14)
    for i, (name, text, one, _) in enumerate(picked[:6]):                       # same bytes, other name
        copy = "backup/copy-%02d%s" % (i + 1, os.path.splitext(name)[1])
        shutil.copyfile(os.path.join(a.out, name), os.path.join(a.out, copy))
        rows.append((copy, text, one, "duplicate_of:" + name))
        per_file[copy] = per_file[name]
    for i, (name, text, one, _) in enumerate(picked[6:]):                       # the same picture, other bytes
        im = upright[name]
        how = ["smaller", "recompressed", "brighter", "darker", "webp", "cropped", "bigger", "smaller-recompressed"][i]
        copy = "edited/%s-%02d.%s" % (how, i + 1, "webp" if how == "webp" else "jpg")
        if "smaller" in how:
            im = im.resize((im.width * 6 // 10, im.height * 6 // 10), Image.LANCZOS)
        elif how == "bigger":
            im = im.resize((im.width * 14 // 10, im.height * 14 // 10), Image.BICUBIC)
        elif how == "cropped":
            dx, dy = im.width // 40, im.height // 40
            im = im.crop((dx, dy, im.width - dx, im.height - dy))
        elif how in ("brighter", "darker"):
            im = ImageEnhance.Brightness(im).enhance(1.15 if how == "brighter" else 0.85)
        im.save(os.path.join(a.out, copy), quality=30 if "recompressed" in how else 85)
        rows.append((copy, text, one, "near_duplicate_of:" + name))
        per_file[copy] = per_file[name]
    whole = open(os.path.join(a.out, next(n for n, _, _, _ in rows if n.endswith(".jpg"))), "rb").read()
    with open(os.path.join(a.out, "unsorted/cut-short.jpg"), "wb") as f:
        f.write(whole[:150])
    with open(os.path.join(a.out, "unsorted/notes.png"), "w") as f:
        f.write("This is a text file with the wrong ending.\nIt is here to see what an indexer makes of it.\n")
    rows += [("unsorted/cut-short.jpg", "", "", "broken"), ("unsorted/notes.png", "", "", "broken")]

    def table(name, header, lines):
        with open(os.path.join(a.out, name), "w", encoding="utf-8") as f:
            for line in ([header] if header else []) + lines:
                f.write("\t".join(line) + "\n")

    table("captions.tsv", ("file", "caption", "classes", "note"), sorted(rows))
    table("labels.tsv", ("file", "class"), sorted(labels))
    table("classes.txt", None, [(c,) for c in world.CLASSES if any(l[1] == c for l in labels)])
    queries = []
    for query, _, claims in WISHES:
        if claims:
            fits = sorted(n for n, have in per_file.items() if set(claims) <= have)
            assert fits, query
            queries.append((query, "|".join(fits)))
    table("queries.tsv", ("query", "files"), queries)
    size = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(a.out) for f in fs)
    print("%d files, %.1f MB, %d labelled" % (len(rows), size / 1e6, len(labels)))


if __name__ == "__main__":
    main()
