"""Measures an exported demo VLM on fresh scenes, and checks that the files say what the training model says.

    vlm_evaluate.py MODEL [--scenes N] [--json FILE] [--checkpoint FILE]

Every picture is drawn at 240 to 640 pixels from seeds that training never used, JPEG-encoded, decoded and squashed as
BLIP's preprocessing does. measure_vlm.py measures the shipped pictures through the glimpse command.
"""
import argparse
import json
import random

import torch

import evaluate
import render
import vlm_files
import vlm_packed
import vlm_pool
import vlm_text
import vlm_train
import world

SEED, QUICK_SEED = 880_017, 770_017       # the card's figures; looks along the way


def scenes(n, seed):
    """n scenes with different canonical captions, and their pictures."""
    rng, sprites, out, seen = random.Random(seed), render.Sprites(), [], set()
    while len(out) < n:
        s = world.sample_scene(rng)
        text = vlm_text.canonical(s)
        if text in seen:
            continue
        seen.add(text)
        a, b = rng.randint(240, 480), rng.randint(240, 640)
        w, h = rng.choice([(a, a), (max(a, b), min(a, b)), (max(a, b), min(a, b)), (min(a, b), max(a, b))])
        ratio = min(1.0, 1.7 * min(w, h) / max(w, h))                  # nobody's picture is a strip
        w, h = (int(w * ratio), h) if w > h else (w, int(h * ratio))
        picture = evaluate.as_jpeg(render.picture(s, w, h, sprites, rng), rng)
        out.append((s, vlm_pool.squash(picture)))
    return out


def fresh(directory, n, seed):
    """Captions, matching and answers on n scenes."""
    rng, drawn, out = random.Random(seed + 1), scenes(n, seed), {"scenes": n}
    models = {k: vlm_files.load(directory, k) for k in vlm_files.ARCHITECTURES}
    told, matched, said = [], [], []
    with torch.no_grad():
        for i in range(0, n, 64):
            some = drawn[i:i + 64]
            pixels = vlm_train.normal([p for _, p in some])
            model, _, tok = models["caption"]
            captions = vlm_train.captions(model, tok, model.vision_model(pixels))
            said += [(vlm_text.canonical(s), c, s.kind) for (s, _), c in zip(some, captions)]
            model, _, tok = models["vqa"]
            asked = [vlm_text.question(rng, s) for s, _ in some]
            answers = vlm_train.answers(model, tok, model.vision_model(pixels), [q for q, _, _ in asked])
            told += [(k, a == t) for (_, t, k), a in zip(asked, answers)]
            model, _, tok = models["itm"]
            pairs = [vlm_text.minimal_pair(rng, s) for s, _ in some]
            keep = [j for j, p in enumerate(pairs) if p]
            image = model.vision_model(pixels)[keep]
            logits = [model.match(image, vlm_train.padded([[2] + tok.encode(pairs[j][k])[:30] + [3] for j in keep]))
                      for k in (0, 1)]
            yes, no = (x[:, 1] - x[:, 0] for x in logits)
            matched += [("true text above its near miss", w) for w in (yes > no).tolist()]
            matched += [("true text taken as true", w) for w in (yes > 0).tolist()]
            matched += [("near miss taken as false", w) for w in (no < 0).tolist()]
    out["captions"] = vlm_text.marks((t, c) for t, c, _ in said)
    out["captions exact by kind"] = vlm_text.shares((k, vlm_text.parse(t) == vlm_text.parse(c)) for t, c, k in said)
    out["questions"] = vlm_text.shares(told)
    matches = vlm_text.shares(matched)
    del matches["all"]
    out["matching"] = matches
    wrong = [(t, c) for t, c, _ in said if t != c]
    out["wrong captions, some"] = wrong[:12]
    return out


def same(directory, checkpoint):
    """Largest difference between what the files say (float16) and what the training model says (float32)."""
    state = torch.load(checkpoint, map_location="cpu")["model"]
    drawn, out = scenes(8, QUICK_SEED), {}
    pixels = vlm_train.normal([p for _, p in drawn])
    for kind in vlm_files.ARCHITECTURES:
        model, cfg, tok = vlm_files.load(directory, kind)
        trained = type(model)(cfg)
        trained.load_state_dict(state)
        trained.eval()
        ids = vlm_train.padded([[2] + tok.encode(vlm_text.canonical(s)) + [3] for s, _ in drawn])
        with torch.no_grad():
            values = []
            for m in (model, trained):
                image = m.vision_model(pixels)
                if kind == "itm":
                    values.append(m.match(image, ids))
                elif kind == "caption":
                    values.append(m.caption_logits(image, ids))
                else:
                    values.append(m.answer_logits(m.question_states(image, ids), ids, ids[:, :3]))
            out[kind] = (values[0] - values[1]).abs().max().item()
            if kind == "itm":                 # and training's way past the padding says what the plain way says
                texts = ids[:, None].expand(-1, 2, -1).contiguous()
                out["packed"] = max(vlm_packed.check(trained, image, texts, ids))
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--scenes", type=int, default=1000)
    p.add_argument("--quick", action="store_true", help="other pictures, so that the figures stay unseen")
    p.add_argument("--checkpoint", help="of vlm_train.py: compare with it")
    p.add_argument("--json")
    a = p.parse_args()
    torch.set_num_threads(1)
    out = fresh(a.model, a.scenes, QUICK_SEED if a.quick else SEED)
    if a.checkpoint:
        out["files against training model"] = same(a.model, a.checkpoint)
    text = json.dumps(out, indent=1)
    print(text)
    if a.json:
        with open(a.json, "w") as f:
            f.write(text + "\n")


if __name__ == "__main__":
    main()
