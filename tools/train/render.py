"""Pixels for scenes: sprites (emoji and shapes), backgrounds, composition."""
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

import world

EMOJI_FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
GRID = 6                 # label cells per side of the central square (training only)


# ---------------------------------------------------------------- sprites

def emoji(char):
    font = ImageFont.truetype(EMOJI_FONT, 109)             # the only size that bitmap font has
    im = Image.new("RGBA", (180, 180), (0, 0, 0, 0))
    ImageDraw.Draw(im).text((20, 20), char, font=font, embedded_color=True)
    return squared(im.crop(im.getbbox()), 136)


def squared(im, side):
    """Longest edge to side, centred on a transparent square with a little air around."""
    f = side / max(im.size)
    im = im.resize((max(1, round(im.width * f)), max(1, round(im.height * f))), Image.LANCZOS)
    out = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    out.paste(im, ((side - im.width) // 2, (side - im.height) // 2))
    return out


def tint(im, colour):
    """Repaints what is colourful and leaves whites, blacks and grays alone."""
    a = np.asarray(im).astype(np.float32)
    rgb, alpha = a[..., :3] / 255, a[..., 3:]
    v, low = rgb.max(-1), rgb.min(-1)
    sat = (v - low) / np.maximum(v, 1e-3)
    part = np.clip((sat - 0.12) / 0.12, 0, 1) * (v > 0.12)
    level = v / max(np.percentile(v[(part > 0.5) & (alpha[..., 0] > 200)], 80), 1e-3)
    base = np.array(world.COLOURS[colour], np.float32) / 255
    paint = base * np.minimum(level, 1)[..., None] + np.clip(level - 1, 0, 1)[..., None] * 0.6
    gloss = np.clip(1.5 - sat * 2.0, 0, 0.35)[..., None] * (level[..., None] > 0.9)
    paint = np.clip(paint * (1 - gloss) + gloss, 0, 1)
    rgb = rgb * (1 - part[..., None]) + paint * part[..., None]
    return Image.fromarray(np.concatenate([rgb * 255, alpha], -1).round().astype(np.uint8), "RGBA")


def _polygon(points):
    def draw(d, s):
        d.polygon([(x * s, y * s) for x, y in points], fill=255)
    return draw


def _star():
    return [(0.5 + r * math.sin(i * math.pi / 5), 0.53 - r * math.cos(i * math.pi / 5))
            for i in range(10) for r in [0.5 if i % 2 == 0 else 0.21]]


def _heart():
    pts = []
    for i in range(120):
        t = i * 2 * math.pi / 120
        pts.append((0.5 + 0.48 * math.sin(t) ** 3,
                    0.45 - 0.03 * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))))
    return pts


def _ring(d, s):
    d.ellipse((0.02 * s, 0.02 * s, 0.98 * s, 0.98 * s), fill=255)
    d.ellipse((0.26 * s, 0.26 * s, 0.74 * s, 0.74 * s), fill=0)


def _crescent(d, s):
    d.ellipse((0.05 * s, 0.02 * s, 0.97 * s, 0.98 * s), fill=255)
    d.ellipse((0.36 * s, 0.05 * s, 1.12 * s, 0.8 * s), fill=0)


SHAPE_DRAWERS = {
    "circle": lambda d, s: d.ellipse((0.02 * s, 0.02 * s, 0.98 * s, 0.98 * s), fill=255),
    "square": _polygon([(0.07, 0.07), (0.93, 0.07), (0.93, 0.93), (0.07, 0.93)]),
    "triangle": _polygon([(0.5, 0.05), (0.98, 0.92), (0.02, 0.92)]),
    "star": _polygon(_star()), "heart": _polygon(_heart()),
    "diamond": _polygon([(0.5, 0.0), (0.9, 0.5), (0.5, 1.0), (0.1, 0.5)]),
    "ring": _ring,
    "cross": _polygon([(0.34, 0.03), (0.66, 0.03), (0.66, 0.34), (0.97, 0.34), (0.97, 0.66), (0.66, 0.66),
                       (0.66, 0.97), (0.34, 0.97), (0.34, 0.66), (0.03, 0.66), (0.03, 0.34), (0.34, 0.34)]),
    "crescent": _crescent,
}


def shape(name, colour, texture, variant=0, side=136):
    big = side * 3
    mask = Image.new("L", (big, big), 0)
    SHAPE_DRAWERS[name](ImageDraw.Draw(mask), big)
    inner = mask.resize((side, side)).filter(ImageFilter.MinFilter(5 if side < 200 else 9)).resize((big, big))
    rgb = np.array(world.COLOURS[colour], np.float32)
    light = rgb.mean() > 150
    edge = tuple(int(c) for c in (rgb * 0.62 if rgb.mean() > 60 else rgb + 70))
    pale = tuple(int(c) for c in (rgb * 0.25 + 255 * 0.75 if not (light and min(world.COLOURS[colour]) > 200)
                                  else rgb * 0.62))
    im = Image.new("RGB", (big, big), edge)
    fill = Image.new("RGB", (big, big), world.COLOURS[colour])
    d = ImageDraw.Draw(fill)
    if texture == "striped":
        step, diag = big / 5.5, variant % 3
        for i in range(-8, 16):
            a = i * step
            if diag == 0:
                d.rectangle((0, a, big, a + step * 0.45), fill=pale)
            elif diag == 1:
                d.rectangle((a, 0, a + step * 0.45, big), fill=pale)
            else:
                d.polygon([(a, 0), (a + step * 0.5, 0), (a + step * 0.5 + big, big), (a + big, big)], fill=pale)
    elif texture == "dotted":
        step = big / 5
        for j in range(-1, 7):
            for i in range(-1, 7):
                x, y, r = (i + (j % 2) * 0.5) * step, j * step * 0.87, step * 0.27
                d.ellipse((x - r, y - r, x + r, y + r), fill=pale)
    im.paste(fill, (0, 0), inner)
    im.putalpha(mask)
    return im.resize((side, side), Image.LANCZOS)


def enlarged(im, size):
    """Scaled up without the fringe and the softness of an enlarged bitmap."""
    rgb, solid = im.convert("RGB"), im.getchannel("A").point(lambda v: 255 if v > 250 else 0)
    for _ in range(4):                                     # let the colours run out under the transparent rim
        known = Image.composite(rgb, Image.new("RGB", im.size), solid)
        grown = Image.merge("RGBa", (*known.split(), solid)).filter(ImageFilter.BoxBlur(1)).convert("RGBA")
        rgb = Image.composite(rgb, grown.convert("RGB"), solid)
        solid = grown.getchannel("A").point(lambda v: 255 if v > 0 else 0)
    f = size / im.width
    out = rgb.resize((size, size), Image.BICUBIC).filter(ImageFilter.UnsharpMask(f, 60, 2))
    rim = im.getchannel("A").resize((size, size), Image.BICUBIC).filter(ImageFilter.GaussianBlur(0.35 * f))
    out.putalpha(rim.point(lambda v: max(0, min(255, int((v - 128) * 1.9 + 128)))))
    return out


class Sprites:
    """Every sprite once, at a few sizes; the nearest larger one is scaled when pasted."""
    SIZES = (136, 72, 40, 24)

    def __init__(self, shape_side=136):
        self.store, self.shape_side = {}, shape_side
        for name, (chars, _, _, _) in world.OBJECTS.items():
            plain = [emoji(c) for c in chars]
            self.store[name, None] = [self.levels(p) for p in plain]
            if name in world.TINTED:
                for c in world.TINTS:
                    self.store[name, c] = [self.levels(tint(p, c)) for p in plain]

    def levels(self, im):
        return [im] + [im.resize((s, s), Image.LANCZOS) for s in self.SIZES[1:] if s < im.width]

    def pick(self, rng, group):
        if group.name in world.OBJECTS:
            return rng.choice(self.store[group.name, group.colour])
        variant = rng.randrange(3) if group.texture == "striped" else 0
        key = (group.name, group.colour, group.texture, variant)
        if key not in self.store:
            self.store[key] = [self.levels(shape(*key, side=self.shape_side))]
        return self.store[key][0]

    @staticmethod
    def at(levels, size):
        best = levels[0]
        for im in levels:
            if im.width >= size:
                best = im
        if best.width == size:
            return best
        if size > 1.3 * best.width:
            return enlarged(best, size)
        return best.resize((size, size), Image.BICUBIC if size < best.width else Image.LANCZOS)


# ---------------------------------------------------------------- backgrounds

def _gradient(w, h, top, bottom, horizon=None):
    t = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    col = np.array(top, np.float32) * (1 - t) + np.array(bottom, np.float32) * t
    return Image.fromarray(np.broadcast_to(col, (h, w, 3)).round().astype(np.uint8).copy(), "RGB")


def _shift(rng, c, by=14):
    return tuple(max(0, min(255, int(v + rng.uniform(-by, by)))) for v in c)


def _wave_line(rng, w, base, amp, length):
    p1, p2 = rng.uniform(0, 6.3), rng.uniform(0, 6.3)
    return [(x, base + amp * math.sin(x / length + p1) + amp * 0.4 * math.sin(2.3 * x / length + p2))
            for x in range(-2, w + 4, max(1, w // 90))]


def background(kind, w, h, rng):
    """A scenery picture of w by h, drawn at twice the size and halved for soft edges."""
    W, H = 2 * w, 2 * h
    u = min(W, H)
    if kind.startswith("plain:"):
        c = _shift(rng, world.COLOURS[kind[6:]], 4)
        lift = rng.uniform(-12, 12)
        im = _gradient(w, h, [max(0, min(255, v + lift)) for v in c], [max(0, min(255, v - lift)) for v in c])
        return im
    d = None

    def start(top, bottom):
        im = _gradient(W, H, _shift(rng, top), _shift(rng, bottom))
        return im, ImageDraw.Draw(im)

    def hill(base, amp, length, colour):
        pts = _wave_line(rng, W, base, amp, length)
        d.polygon([(-2, H)] + pts + [(W + 4, H)], fill=colour)

    if kind == "sky":
        im, d = start((80, 150, 225), (175, 215, 245))
        for _ in range(rng.randint(3, 6)):
            cx, cy, s = rng.uniform(0, W), rng.uniform(0, H), u * rng.uniform(0.07, 0.13)
            for _ in range(6):
                x, y, r = cx + rng.uniform(-1.6, 1.6) * s, cy + rng.uniform(-0.35, 0.35) * s, s * rng.uniform(0.5, 0.9)
                d.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), fill=_shift(rng, (247, 250, 253), 4))
    elif kind == "grass":
        im, d = start((120, 185, 80), (75, 150, 50))
        for _ in range(380):
            x, y, l = rng.uniform(0, W), rng.uniform(0, H), u * rng.uniform(0.02, 0.05)
            c = _shift(rng, rng.choice([(60, 130, 40), (140, 200, 90), (85, 160, 60)]))
            d.line((x, y, x + rng.uniform(-0.4, 0.4) * l, y - l), fill=c, width=max(1, int(u * 0.006)))
    elif kind == "sea":
        im, d = start((60, 150, 190), (15, 75, 130))
        rows = 11
        for i in range(rows):
            base, amp = H * (i + 0.5) / rows, u * 0.011
            pts = _wave_line(rng, W, base, amp, u * rng.uniform(0.03, 0.05))
            d.line(pts, fill=_shift(rng, (150, 205, 225) if i % 2 else (90, 170, 205)), width=max(2, int(u * 0.011)))
    elif kind == "night":
        im, d = start((10, 12, 45), (28, 32, 85))
        for _ in range(85):
            x, y, r = rng.uniform(0, W), rng.uniform(0, H), u * rng.uniform(0.002, 0.0075)
            d.ellipse((x - r, y - r, x + r, y + r), fill=_shift(rng, (250, 245, 210), 25))
    elif kind == "snow":
        im, d = start((196, 212, 228), (222, 232, 242))
        hill(H * rng.uniform(0.5, 0.62), u * 0.03, u * 0.2, (236, 242, 249))
        hill(H * rng.uniform(0.7, 0.8), u * 0.03, u * 0.25, (248, 250, 253))
        for _ in range(100):
            x, y, r = rng.uniform(0, W), rng.uniform(0, H), u * rng.uniform(0.004, 0.011)
            d.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    elif kind == "desert":
        im, d = start((250, 225, 165), (245, 215, 150))
        for i, b in enumerate((0.3, 0.5, 0.72)):
            hill(H * (b + rng.uniform(-0.06, 0.06)), u * 0.05, u * rng.uniform(0.17, 0.3),
                 _shift(rng, [(238, 200, 125), (228, 184, 105), (215, 168, 90)][i], 7))
    elif kind == "sunset":
        im, d = start((95, 60, 130), (255, 165, 70))
        y0 = H * rng.uniform(0.72, 0.82)
        x, r = W / 2 + rng.uniform(-0.3, 0.3) * u, u * rng.uniform(0.11, 0.15)
        d.ellipse((x - r, y0 - r, x + r, y0 + r), fill=(255, 225, 130))
        for _ in range(5):
            cx, cy = rng.uniform(0, W), rng.uniform(0.05, 0.6) * H
            d.ellipse((cx - u * 0.25, cy - u * 0.012, cx + u * 0.25, cy + u * 0.012), fill=_shift(rng, (225, 110, 110)))
        d.rectangle((0, y0, W, H), fill=_shift(rng, (70, 40, 75)))
    elif kind == "forest":
        im, d = start((165, 195, 160), (70, 110, 60))
        for layer in range(3):
            y0, n = H * (0.42 + 0.2 * layer), int(W / u * (9 - 2 * layer)) + 1
            g = [(95, 140, 100), (60, 110, 70), (35, 80, 48)][layer]
            for i in range(n):
                x, hh, ww = (i + rng.uniform(0.1, 0.9)) * W / n, u * rng.uniform(0.24, 0.36), u * 0.085
                base = y0 + u * rng.uniform(0.05, 0.14)
                d.rectangle((x - ww * 0.13, base - hh * 0.2, x + ww * 0.13, base + hh * 0.12), fill=(85, 60, 40))
                for k in range(3):
                    top = base - hh + k * hh * 0.22
                    d.polygon([(x, top), (x - ww * (0.55 + 0.2 * k), top + hh * 0.42),
                               (x + ww * (0.55 + 0.2 * k), top + hh * 0.42)], fill=_shift(rng, g, 8))
    elif kind == "city":
        im, d = start((185, 205, 225), (215, 220, 225))
        road = H * rng.uniform(0.74, 0.8)
        x = -u * 0.05
        while x < W:
            ww, hh = u * rng.uniform(0.13, 0.22), u * rng.uniform(0.3, 0.68)
            c = _shift(rng, rng.choice([(150, 135, 130), (120, 130, 150), (170, 150, 125), (135, 140, 145)]), 12)
            d.rectangle((x, road - hh, x + ww, road), fill=c)
            for j in range(int(hh / (u * 0.075)) - 1):
                for i in range(3):
                    wx, wy = x + ww * (0.14 + 0.28 * i), road - hh + u * 0.03 + j * u * 0.075
                    d.rectangle((wx, wy, wx + ww * 0.16, wy + u * 0.038),
                                fill=rng.choice([(245, 230, 160), (80, 95, 120), (205, 220, 235)]))
            x += ww * 1.04
        d.rectangle((0, road, W, H), fill=_shift(rng, (88, 90, 95), 8))
        for i in range(int(W / u * 5) + 2):
            x = (i + 0.3) * u * 0.22
            d.rectangle((x, (road + H) / 2 - u * 0.012, x + u * 0.11, (road + H) / 2 + u * 0.012), fill=(240, 240, 235))
    elif kind == "room":
        wall = _shift(rng, rng.choice([(235, 222, 200), (215, 225, 220), (225, 215, 228)]), 8)
        im, d = start(wall, wall)
        y0 = H * rng.uniform(0.62, 0.72)
        d.rectangle((0, y0, W, H), fill=_shift(rng, (175, 125, 80), 8))
        for i in range(1, 5):
            y = y0 + (H - y0) * i / 5
            d.line((0, y, W, y), fill=(145, 100, 62), width=max(2, int(u * 0.006)))
        d.rectangle((0, y0 - u * 0.02, W, y0 + u * 0.012), fill=(250, 248, 244))
        wx, wy, ww = W / 2 + rng.choice([-1, 1]) * u * rng.uniform(0.2, 0.3), u * 0.12, u * 0.13
        d.rectangle((wx - ww, wy, wx + ww, wy + 2 * ww), fill=(250, 250, 248))
        d.rectangle((wx - ww * 0.86, wy + ww * 0.14, wx + ww * 0.86, wy + ww * 1.86), fill=(165, 205, 235))
        d.line((wx, wy, wx, wy + 2 * ww), fill=(250, 250, 248), width=max(2, int(u * 0.012)))
        d.line((wx - ww, wy + ww, wx + ww, wy + ww), fill=(250, 250, 248), width=max(2, int(u * 0.012)))
    return im.resize((w, h), Image.BOX)


# ---------------------------------------------------------------- composition

def compose(scene, canvas, sprites, rng, labels=False, squashed=False):
    """Draws the scene's elements on canvas (an RGB picture, changed in place); everything lies in its central square.

    With labels: also two GRID x GRID arrays, class id (or that of the scenery) and colour id (or -1) per cell. The
    grid covers the central square, or with squashed the whole canvas, whatever its shape.
    """
    side = min(canvas.size)
    left, top = (canvas.width - side) // 2, (canvas.height - side) // 2
    marks = Image.new("L", (GRID * 4, GRID * 4), 0) if labels else None
    members = []
    for g in scene.groups:
        members += [(g, b) for b in g.boxes]
    rng.shuffle(members)
    for i, (g, (x, y, size)) in enumerate(members):
        s = max(8, int(round(size * side)))
        im = sprites.at(sprites.pick(rng, g), s)
        if rng.random() < 0.5 and g.name in world.OBJECTS:
            im = im.transpose(Image.FLIP_LEFT_RIGHT)
        angle = rng.uniform(-14, 14) if g.name != "circle" else 0
        im = im.rotate(angle, Image.BICUBIC, expand=True)
        px, py = left + x * side - im.width / 2, top + y * side - im.height / 2
        canvas.paste(im, (int(round(px)), int(round(py))), im)
        if labels:
            fx, fy, x0, y0 = GRID * 4 / side, GRID * 4 / side, left, top
            if squashed:
                fx, fy, x0, y0 = GRID * 4 / canvas.width, GRID * 4 / canvas.height, 0, 0
            box = (int(round((px - x0) * fx)), int(round((py - y0) * fy)))
            small = im.getchannel("A").resize((max(1, int(im.width * fx)), max(1, int(im.height * fy))), Image.BOX)
            marks.paste(i + 1, box, small.point(lambda v: 255 if v > 110 else 0))
    if not labels:
        return None
    m = np.asarray(marks).reshape(GRID, 4, GRID, 4).transpose(0, 2, 1, 3).reshape(GRID, GRID, 16)
    counts = np.stack([(m == i + 1).sum(-1) for i in range(len(members))] or [np.zeros((GRID, GRID), int)], -1)
    best, much = counts.argmax(-1), counts.max(-1)
    ids = np.array([world.CLASS_ID[g.name] for g, _ in members] or [0])
    tones = np.array([world.COLOUR_ID[g.colour] if g.colour else -1 for g, _ in members] or [-1])
    scenery = len(world.CLASSES) + world.SCENERY_ID[scene.background]
    cls = np.where(much >= 4, ids[best], np.where(much == 0, scenery, -1))
    return cls.astype(np.int16), np.where(much >= 4, tones[best], -1).astype(np.int8)


def photographic(im, rng):
    """Light, contrast, a little noise: no two pictures are quite alike."""
    if rng.random() < 0.7:
        im = ImageEnhance.Brightness(im).enhance(rng.uniform(0.8, 1.15))
    if rng.random() < 0.5:
        im = ImageEnhance.Contrast(im).enhance(rng.uniform(0.8, 1.15))
    if rng.random() < 0.4:
        a = np.asarray(im).astype(np.int16)
        noise = np.random.RandomState(rng.randrange(1 << 31)).randint(-9, 10, a.shape, np.int16)
        im = Image.fromarray(np.clip(a + noise, 0, 255).astype(np.uint8))
    return im


def picture(scene, w, h, sprites, rng):
    """A finished full-size picture."""
    im = background(scene.background, w, h, rng)
    compose(scene, im, sprites, rng)
    return photographic(im, rng)


def preprocess(im, side):
    """What a user's picture goes through: RGB, bicubic so that the short edge fits, centre crop -> uint8 [side,side,3]."""
    im = im.convert("RGB")
    w, h = im.size
    if w <= h:
        size = (side, int(side * h / w))
    else:
        size = (int(side * w / h), side)
    im = im.resize(size, Image.BICUBIC)
    x, y = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(im.crop((x, y, x + side, y + side)))
