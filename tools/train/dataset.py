"""Training samples: rendered in their own process, kept in a window that moves on as training goes.

A shard is a dict of arrays for SHARD samples. Samples 2i and 2i+1 are often the same scene with one thing
changed, and a batch takes them together: near misses are what teaches colour, count and place.
"""
import io
import multiprocessing
import os
import random

import numpy as np
from PIL import Image

import bpe
import render
import world

SHARD, CAPTIONS, CLAIMS, GROUPS = 512, 3, 10, 3
BACKDROPS = 20           # prepared backgrounds per kind; two of each kind are redrawn for every shard


class Maker:
    def __init__(self, directory, image, context, seed):
        self.rng = random.Random(seed)
        self.tok, self.image, self.context = bpe.load(directory), image, context
        self.sprites = render.Sprites()
        self.backs = {k: [self.backdrop(k) for _ in range(BACKDROPS if k in world.BACKGROUNDS else 4)]
                      for k in world.SCENERY}

    def backdrop(self, kind):
        w, h = self.rng.choice([(240, 240), (300, 230), (230, 300)])
        return render.background(kind, w, h, self.rng)

    def canvas(self, kind, side):
        im = self.rng.choice(self.backs[kind])
        crop = self.rng.randint(int(min(im.size) * 0.85), min(im.size))
        x, y = self.rng.randint(0, im.width - crop), self.rng.randint(0, im.height - crop)
        x, y = (x + (im.width - crop) // 2) // 2, (y + (im.height - crop) // 2) // 2
        im = im.resize((side, side), Image.BILINEAR, (x, y, x + crop, y + crop))
        return im.transpose(Image.FLIP_LEFT_RIGHT) if self.rng.random() < 0.5 else im

    def pixels(self, scene):
        rng = self.rng
        canvas = self.canvas(scene.background, rng.choice([96, 120, 144, 180]))
        labels = render.compose(scene, canvas, self.sprites, rng, labels=True)
        canvas = render.photographic(canvas, rng)
        if rng.random() < 0.5:
            buf = io.BytesIO()
            canvas.save(buf, "JPEG", quality=rng.randint(55, 95))
            canvas = Image.open(buf)
        return render.preprocess(canvas, self.image), labels

    def shard(self):
        rng, g = self.rng, render.GRID
        out = {
            "pixels": np.zeros((SHARD, self.image, self.image, 3), np.uint8),
            "cells": np.zeros((SHARD, g, g), np.int16), "tones": np.zeros((SHARD, g, g), np.int8),
            "ids": np.zeros((SHARD, CAPTIONS, self.context), np.int16),
            "claims": np.full((SHARD, CAPTIONS, CLAIMS), -1, np.int16),
            "facts": np.zeros((SHARD, world.N_FACTS // 8), np.uint8),
            "classes": np.full((SHARD, GROUPS), -1, np.int16),
            "scenery": np.zeros(SHARD, np.int16), "count": np.zeros(SHARD, np.int16),
        }
        for kind in world.SCENERY:
            for _ in range(2 if kind in world.BACKGROUNDS else 1):
                self.backs[kind][rng.randrange(len(self.backs[kind]))] = self.backdrop(kind)
        scene = None
        for i in range(SHARD):
            if i % 2 == 0 or rng.random() < 0.4:
                scene = world.sample_scene(rng)
            else:
                scene = world.variant(rng, scene)
            out["pixels"][i], (out["cells"][i], out["tones"][i]) = self.pixels(scene)
            bits = np.zeros(world.N_FACTS, np.uint8)
            bits[[world.fact_bit(f) for f in world.facts(scene)]] = 1
            out["facts"][i] = np.packbits(bits)
            for j in range(CAPTIONS):
                text, claims = world.caption(rng, scene)
                out["ids"][i, j] = self.tok.encode_padded(text, self.context)
                claims = sorted({world.fact_bit(c) for c in claims})[:CLAIMS]
                out["claims"][i, j, :len(claims)] = claims
            for j, group in enumerate(scene.groups):
                out["classes"][i, j] = world.CLASS_ID[group.name]
            out["scenery"][i] = world.SCENERY_ID[scene.background]
            out["count"][i] = sum(group.count for group in scene.groups)
        return out


def _produce(queue, directory, image, context, seed):
    os.nice(3)
    maker = Maker(directory, image, context, seed)
    while True:
        queue.put(maker.shard())


class Window:
    """The newest shards; asks for fresh ones so that a sample is used about `reuse` times."""
    def __init__(self, directory, image, context, seed, workers=1, shards=96, reuse=3.0):
        self.queue = multiprocessing.Queue(4 * workers)
        self.shards, self.limit, self.reuse, self.used = [], shards, reuse, 0.0
        self.rng = np.random.RandomState(seed)
        self.made = 0
        self.workers = [multiprocessing.Process(target=_produce, daemon=True,
                                                args=(self.queue, directory, image, context, seed * 1000 + i))
                        for i in range(workers)]
        for w in self.workers:
            w.start()
        while len(self.shards) < 4:
            self._take()

    def _take(self):
        self.shards.append(self.queue.get())
        self.made += 1
        if len(self.shards) > self.limit:
            self.shards.pop(0)

    def batch(self, n):
        self.used += n
        while not self.queue.empty() and (len(self.shards) < self.limit // 5 or
                                          self.made * SHARD * self.reuse < self.used + 4 * SHARD):
            self._take()
        pairs = []                                         # (shard, first of the two samples)
        if self.rng.rand() < 0.6:                          # all on like ground, so that the ground gives nothing away
            some = [self.shards[self.rng.randint(len(self.shards))]["scenery"][self.rng.randint(SHARD)]
                    for _ in range(self.rng.randint(1, 4))]
            pairs = [(s, 2 * i) for s, shard in enumerate(self.shards)
                     for i in np.flatnonzero(np.isin(shard["scenery"][::2], some))]
            self.rng.shuffle(pairs)
            pairs = pairs[:n // 2]
        while len(pairs) < n // 2:
            pairs.append((self.rng.randint(len(self.shards)), 2 * self.rng.randint(SHARD // 2)))
        picks = {}
        for s, i in pairs:
            picks.setdefault(s, []).extend((i, i + 1))
        out = {k: np.concatenate([self.shards[s][k][idx] for s, idx in picks.items()]) for k in self.shards[0]}
        j = self.rng.randint(CAPTIONS, size=len(out["ids"]))
        rows = np.arange(len(j))
        out["ids"], out["claims"] = out["ids"][rows, j], out["claims"][rows, j]
        return out

    def close(self):
        for w in self.workers:
            w.terminate()
