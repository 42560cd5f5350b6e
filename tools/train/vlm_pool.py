"""Pictures for the VLM, drawn once and kept on disk: drawing costs more than a training step.

    vlm_pool.py DIR --shards N [--seed N]     draws shards 0..N-1 that are not there yet

A shard is SHARD pictures as BLIP's preprocessing leaves them (squashed to the square, no crop), the cell labels of
render.compose, and the scenes, from which captions and questions are made anew in each step.
"""
import argparse
import io
import os
import pickle
import random

import numpy as np
from PIL import Image

import render
import world

SIDE, SHARD = 72, 1024
KINDS = ["single", "empty", "count", "pair", "mixed", "triple"]
SHARES = [26, 2, 15, 36, 13, 8]
RATIOS = [1.0, 1.0, 1.0, 4 / 3, 4 / 3, 3 / 2, 1.6, 3 / 4, 2 / 3]
BACKDROPS = 16


def squash(im, side=SIDE):
    """BLIP's preprocessing of a picture, as uint8 [side, side, 3]."""
    return np.asarray(im.convert("RGB").resize((side, side), Image.BICUBIC))


class Painter:
    def __init__(self, seed):
        self.rng, self.sprites = random.Random(seed), render.Sprites()
        self.backs = {k: [self.backdrop(k) for _ in range(BACKDROPS if k in world.BACKGROUNDS else 4)]
                      for k in world.SCENERY}

    def backdrop(self, kind):
        w, h = self.rng.choice([(240, 240), (340, 230), (230, 320)])
        return render.background(kind, w, h, self.rng)

    def canvas(self, kind):
        """A piece of a prepared backdrop, in a size and shape people's pictures have."""
        rng = self.rng
        im, ratio, short = rng.choice(self.backs[kind]), rng.choice(RATIOS), rng.choice([96, 120, 144, 180])
        w, h = (short, int(short / ratio)) if ratio < 1 else (int(short * ratio), short)
        f = min(im.width / w, im.height / h) * rng.uniform(0.85, 1.0)
        cw, ch = w * f, h * f
        x, y = rng.uniform(0, im.width - cw), rng.uniform(0, im.height - ch)
        im = im.resize((w, h), Image.BILINEAR, (x, y, x + cw, y + ch))
        return im.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else im

    def paint(self, scene):
        canvas = self.canvas(scene.background)
        labels = render.compose(scene, canvas, self.sprites, self.rng, labels=True, squashed=True)
        canvas = render.photographic(canvas, self.rng)
        if self.rng.random() < 0.5:
            buf = io.BytesIO()
            canvas.save(buf, "JPEG", quality=self.rng.randint(55, 95))
            canvas = Image.open(buf)
        return squash(canvas), labels

    def shard(self):
        rng, g = self.rng, render.GRID
        pixels = np.zeros((SHARD, SIDE, SIDE, 3), np.uint8)
        cells, tones = np.zeros((SHARD, g, g), np.int16), np.zeros((SHARD, g, g), np.int8)
        scenes = []
        for kind in world.SCENERY:
            self.backs[kind][rng.randrange(len(self.backs[kind]))] = self.backdrop(kind)
        for i in range(SHARD):
            scene = world.sample_scene(rng, rng.choices(KINDS, SHARES)[0])
            pixels[i], (cells[i], tones[i]) = self.paint(scene)
            scenes.append(scene)
        return pixels, cells, tones, scenes


def draw(directory, shards, seed, first=0, step=1):
    for n in range(first, shards, step):
        stem = "%s/shard-%04d" % (directory, n)
        if os.path.exists(stem + ".pkl"):
            continue
        pixels, cells, tones, scenes = _painter(seed, n).shard()
        np.save(stem + ".pixels.npy", pixels)
        with open(stem + ".new", "wb") as f:
            pickle.dump((cells, tones, scenes), f)
        os.replace(stem + ".new", stem + ".pkl")          # last: a shard with its .pkl is whole


_kept = []


def _painter(seed, n):
    """One painter per process; its generator is set anew for each shard, so that a shard does not depend on who drew it
    before (backdrops do: they carry over)."""
    if not _kept:
        _kept.append(Painter(seed * 100003 + n))
    _kept[0].rng.seed(seed * 100003 + n)
    return _kept[0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("directory")
    p.add_argument("--shards", type=int, default=64)
    p.add_argument("--seed", type=int, default=11)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--step", type=int, default=1)
    a = p.parse_args()
    os.makedirs(a.directory, exist_ok=True)
    draw(a.directory, a.shards, a.seed, a.first, a.step)


if __name__ == "__main__":
    main()
