"""Measures an exported model directory the way a user meets it: files in, cosine similarities out.

    evaluate.py MODEL [--demo DIR] [--json FILE]

Every picture is drawn at 240 to 640 pixels from seeds that training never used, JPEG-encoded, decoded, and sent
through the model's own preprocessing (bicubic short edge, centre crop).
"""
import argparse
import io
import json
import random

import numpy as np
import torch
from PIL import Image, ImageOps

import hf_files
import render
import world

SEED = 880_003           # for the figures of the card
QUICK_SEED = 770_001     # for looks along the way: other pictures, so that the figures stay unseen


class Model:
    def __init__(self, directory):
        self.clip, cfg, self.tok = hf_files.load_model(directory)
        self.side = cfg["vision_config"]["image_size"]
        self.context = cfg["text_config"]["max_position_embeddings"]

    def images(self, squares):
        out = []
        with torch.no_grad():
            for i in range(0, len(squares), 64):
                x = torch.from_numpy(np.stack(squares[i:i + 64])).float() / 255
                x = (x - torch.tensor(hf_files.MEAN)) / torch.tensor(hf_files.STD)
                out.append(self.clip.encode_image(x.permute(0, 3, 1, 2).contiguous()))
        return torch.cat(out)

    def texts(self, texts):
        with torch.no_grad():
            return self.clip.encode_text(torch.tensor([self.tok.encode_padded(t, self.context) for t in texts]))

    def square(self, picture):
        return render.preprocess(ImageOps.exif_transpose(picture), self.side)


def as_jpeg(im, rng):
    buf = io.BytesIO()
    im.save(buf, "JPEG", quality=rng.randint(70, 95))
    return Image.open(buf)


def draw(model, scene, sprites, rng):
    a, b = rng.randint(240, 480), rng.randint(240, 640)
    w, h = rng.choice([(a, a), (max(a, b), min(a, b)), (max(a, b), min(a, b)), (min(a, b), max(a, b))])
    return model.square(as_jpeg(render.picture(scene, w, h, sprites, rng), rng))


def recall(text, image, right):
    """right[i]: set of acceptable image rows for text i."""
    order = (text @ image.T).argsort(1, descending=True)[:, :10].tolist()
    return {"R@%d" % k: sum(bool(right[i] & set(o[:k])) for i, o in enumerate(order)) / len(order) for k in (1, 5, 10)}


def retrieval(model, sprites, seed, n=1000):
    rng, squares, captions, kinds, claims, have = random.Random(seed), [], [], [], [], []
    seen = set()
    while len(captions) < n:
        s = world.sample_scene(rng)
        c, said = world.caption(rng, s, 1.0)
        if c in seen:
            continue
        seen.add(c)
        squares.append(draw(model, s, sprites, rng))
        captions.append(c)
        kinds.append(s.kind)
        claims.append(set(said))
        have.append(world.facts(s))
    text, image = model.texts(captions), model.images(squares)
    out = recall(text, image, [{i} for i in range(n)])
    fits = [{j for j in range(n) if claims[i] <= have[j]} | {i} for i in range(n)]
    out["captions true of more than one picture"] = sum(len(f) > 1 for f in fits)
    out["any true picture"] = recall(text, image, fits)
    first = (text @ image.T).argmax(1).tolist()
    out["R@1 by kind"] = {k: round(sum(first[i] == i for i in range(n) if kinds[i] == k) / kinds.count(k), 3)
                          for k in sorted(set(kinds))}
    back = (image @ text.T).argsort(1, descending=True)[:, :5].tolist()
    out["image->text R@1"] = sum(b[0] == i for i, b in enumerate(back)) / n
    out["image->text R@5"] = sum(i in b for i, b in enumerate(back)) / n
    return out


def zero_shot(model, sprites, seed, per_class=10):
    rng, squares, truth = random.Random(seed + 1), [], []
    for i, name in enumerate(world.CLASSES):
        for _ in range(per_class):
            squares.append(draw(model, world.sample_scene(rng, "single", name=name), sprites, rng))
            truth.append(i)
    image, truth = model.images(squares), torch.tensor(truth)
    out = {}
    for prompt in ("a photo of a {}.", "{}"):
        guess = (image @ model.texts([prompt.format(c) for c in world.CLASSES]).T).argmax(1)
        hit, form = (guess == truth).float(), truth >= len(world.OBJECTS)
        out[prompt] = hit.mean().item()
        out[prompt + " things, shapes"] = [hit[~form].mean().item(), hit[form].mean().item()]
    wrong = [(world.CLASSES[t], world.CLASSES[g]) for t, g in zip(truth.tolist(), guess.tolist()) if t != g]
    pairs = sorted({(wrong.count(w), w) for w in wrong}, reverse=True)[:6]
    out["most frequent mistakes"] = ["%s taken for %s (%d)" % (w[0], w[1], n) for n, w in pairs]
    return out


def combinations(model, sprites, seed, per_combo=10):
    """Which of all colour-object pairs is it? Once for pairs never seen in training, once for as many seen ones."""
    every = sorted([(n, c) for n in world.TINTED for c in world.TINTS] +
                   [(n, c) for n in world.SHAPES for c in world.COLOURS])
    text = model.texts(["a photo of a %s %s." % (c, n) for n, c in every])
    rng, out = random.Random(seed + 2), {"candidates": len(every)}
    seen = [e for e in every if e not in world.UNSEEN]
    for title, pairs in (("never seen together", sorted(world.UNSEEN)), ("seen together", rng.sample(seen, 48))):
        squares, truth = [], []
        for name, colour in pairs:
            for _ in range(per_combo):
                g = world.Group(name, colour, "solid" if name in world.SHAPES else None, 1)
                s = world.Scene("single", world.sample_background(rng, [g]), [g])
                world.place(rng, s)
                squares.append(draw(model, s, sprites, rng))
                truth.append(every.index((name, colour)))
        guess = (model.images(squares) @ text.T).argmax(1).tolist()
        out[title] = sum(g == t for g, t in zip(guess, truth)) / len(truth)
        if title.startswith("never"):
            out["never seen: object right"] = sum(every[g][0] == every[t][0] for g, t in zip(guess, truth)) / len(truth)
            out["never seen: colour right"] = sum(every[g][1] == every[t][1] for g, t in zip(guess, truth)) / len(truth)
    return out


def table(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    return [dict(zip(rows[0], r)) for r in rows[1:]]


def demo(model, directory):
    rows = [r for r in table(directory + "/captions.tsv") if r["note"] != "broken"]
    image = dict(zip([r["file"] for r in rows],
                     model.images([model.square(Image.open("%s/%s" % (directory, r["file"]))) for r in rows])))
    own = [r for r in rows if "duplicate_of" not in r["note"]]
    out = {"pictures": len(own)}
    out["captions"] = recall(model.texts([r["caption"] for r in own]), torch.stack([image[r["file"]] for r in own]),
                             [{i} for i in range(len(own))])
    labels = table(directory + "/labels.tsv")
    classes = [c.strip() for c in open(directory + "/classes.txt", encoding="utf-8")]
    guess = (torch.stack([image[r["file"]] for r in labels]) @
             model.texts(["a photo of a %s." % c for c in classes]).T).argmax(1).tolist()
    out["labelled"] = len(labels)
    out["zero-shot"] = sum(classes[g] == r["class"] for g, r in zip(guess, labels)) / len(labels)
    out["zero-shot mistakes"] = ["%s taken for %s" % (r["file"], classes[g]) for g, r in zip(guess, labels)
                                 if classes[g] != r["class"]]
    files, every = list(image), torch.stack(list(image.values()))
    out["queries"] = []
    for q in table(directory + "/queries.tsv"):
        want = set(q["files"].split("|"))
        sim = (model.texts([q["query"]]) @ every.T)[0]
        top = [files[i] for i in sim.argsort(descending=True)[:len(want)].tolist()]
        out["queries"].append({"query": q["query"], "top": top[0], "right": top[0] in want, "score": sim.max().item(),
                               "second": sim.sort(descending=True)[0][len(want)].item(),
                               "all expected first": set(top) == want})
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--demo")
    p.add_argument("--json")
    p.add_argument("--quick", action="store_true", help="a tenth of the pictures, from another seed")
    a = p.parse_args()
    model, sprites = Model(a.model), render.Sprites()
    cut, seed = (10, QUICK_SEED) if a.quick else (1, SEED)
    out = {"retrieval": retrieval(model, sprites, seed, 1000 // cut), "zero_shot": zero_shot(model, sprites, seed, 10 // cut),
           "combinations": combinations(model, sprites, seed, 10 // cut)}
    if a.demo:
        out["demo"] = demo(model, a.demo)
    text = json.dumps(out, indent=1)
    print(text)
    if a.json:
        with open(a.json, "w") as f:
            f.write(text + "\n")


if __name__ == "__main__":
    main()
