"""Trains the demo CLIP and exports it. Without --samples the schedule follows the clock (--minutes)."""
import argparse
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import bpe
import dataset
import hf_files
import model
import render
import world

VOCABULARY = 1400
VISION = (72, 12, 192, 4, 3)     # image, patch, width, layers, heads
TEXT = (32, 128, 3, 2)           # context, width, layers, heads
EMBED = 128


class Teachers(nn.Module):
    """Extra heads that make a transformer see sooner; thrown away after training."""
    def __init__(self, vision_width, text_width):
        super().__init__()
        n = len(world.CLASSES)
        self.cell = nn.Linear(vision_width, n + len(world.SCENERY))
        self.tone = nn.Linear(vision_width, len(world.COLOURS))
        self.present = nn.Linear(vision_width, n)
        self.scenery = nn.Linear(vision_width, len(world.SCENERY))
        self.count = nn.Linear(vision_width, 8)
        self.named = nn.Linear(text_width, n)
        for head in (self.present, self.named):
            nn.init.constant_(head.bias, -4.0)


def batch_tensors(b, device):
    t = {k: torch.from_numpy(v).to(device) for k, v in b.items() if k != "facts"}
    mean = torch.tensor(hf_files.MEAN, device=device)
    std = torch.tensor(hf_files.STD, device=device)
    pixels = (t["pixels"].float() / 255 - mean) / std
    ids = t["ids"].long()
    ids = ids[:, :int((ids == VOCABULARY - 1).int().argmax(1).max()) + 1]    # drop common padding
    facts = torch.from_numpy(np.unpackbits(b["facts"], axis=1)).to(device).float()
    claims = torch.zeros(len(ids), world.N_FACTS + 1, device=device)
    c = t["claims"].long()
    claims.scatter_(1, torch.where(c < 0, torch.full_like(c, world.N_FACTS), c), 1.0)
    claims = claims[:, :world.N_FACTS]
    true = claims @ facts.T >= claims.sum(1, keepdim=True) - 0.5      # [text, image]
    present = torch.zeros(len(ids), len(world.CLASSES) + 1, device=device)
    cl = t["classes"].long()
    present.scatter_(1, torch.where(cl < 0, torch.full_like(cl, len(world.CLASSES)), cl), 1.0)
    return pixels.permute(0, 3, 1, 2).contiguous(), ids, true, present[:, :-1], t


def losses(clip, heads, batch, device):
    pixels, ids, true, present, t = batch_tensors(batch, device)
    pooled, patches = clip.vision_model(pixels)
    words = clip.text_model(ids)
    image = F.normalize(clip.visual_projection(pooled), dim=-1)
    text = F.normalize(clip.text_projection(words), dim=-1)
    logits = clip.logit_scale.exp() * text @ image.T
    also = true & ~torch.eye(len(ids), dtype=torch.bool, device=device)
    logits = logits.masked_fill(also, float("-inf"))        # another caption that is true here is no mistake
    target = torch.arange(len(ids), device=device)
    contrast = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    n = len(ids)
    cells = t["cells"].long().flatten()
    cell = F.cross_entropy(heads.cell(patches).flatten(0, 1), cells, ignore_index=-1, reduction="none")
    things = ((cells >= 0) & (cells < len(world.CLASSES))).float()      # scenery is easy and there is a lot of it
    things = things * (1 + (cells >= len(world.OBJECTS)).float())       # plain shapes come last: all they have is form
    cell = (cell * things).sum() / things.sum().clamp(min=1) + 0.2 * (cell * (things == 0)).mean()
    tone = F.cross_entropy(heads.tone(patches).flatten(0, 1), t["tones"].long().flatten(), ignore_index=-1)
    whole = (F.binary_cross_entropy_with_logits(heads.present(pooled), present, reduction="sum") / n +
             F.cross_entropy(heads.scenery(pooled), t["scenery"].long()) +
             F.cross_entropy(heads.count(pooled), t["count"].long()))
    named = F.binary_cross_entropy_with_logits(heads.named(words), present, reduction="sum") / n
    right = (logits.argmax(1) == target).float().mean()
    return contrast, cell, tone, whole, named, right


def held_out(tok, n, seed):
    """n unseen scenes with different captions, for a look now and then."""
    rng, sprites, out, seen = random.Random(seed), render.Sprites(), [], set()
    while len(out) < n:
        s = world.sample_scene(rng)
        c = world.caption(rng, s, 1.0)[0]
        if c not in seen:
            seen.add(c)
            im = render.picture(s, 240, 240, sprites, rng)
            out.append((render.preprocess(im, VISION[0]), tok.encode_padded(c, TEXT[0])))
    px = torch.from_numpy(np.stack([p for p, _ in out])).float() / 255
    px = (px - torch.tensor(hf_files.MEAN)) / torch.tensor(hf_files.STD)
    return px.permute(0, 3, 1, 2).contiguous(), torch.tensor([i for _, i in out])


def look(clip, val, device):
    clip.eval()
    with torch.no_grad():
        sim = clip.encode_text(val[1].to(device)) @ clip.encode_image(val[0].to(device)).T
    clip.train()
    rank = (sim > sim.diagonal()[:, None]).sum(1)
    return (rank < 1).float().mean().item(), (rank < 5).float().mean().item()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", required=True, help="model directory to write")
    p.add_argument("--work", default="/tmp/glimpse-train", help="checkpoints and log")
    p.add_argument("--minutes", type=float, default=70)
    p.add_argument("--samples", type=float, default=0, help="train on this many samples, however long it takes")
    p.add_argument("--batch", type=int, default=64, help="doubled at the very end")
    p.add_argument("--lr", type=float, default=1.2e-3)
    p.add_argument("--workers", type=int, default=0, help="rendering processes (0: one, or 12 with a GPU)")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --work")
    a = p.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(a.seed)
    os.makedirs(a.out, exist_ok=True)
    os.makedirs(a.work, exist_ok=True)

    if a.resume:
        tok = bpe.load(a.work)
    else:
        rng = random.Random(a.seed)
        tok = bpe.train([world.caption(rng, world.sample_scene(rng))[0] for _ in range(60000)], VOCABULARY)
        assert len(tok.vocab) == VOCABULARY, len(tok.vocab)
        bpe.save(tok, a.work)
    cfg = hf_files.config(VOCABULARY, VISION, TEXT, EMBED)

    clip = model.CLIP(cfg).to(device)
    heads = Teachers(VISION[2], TEXT[1]).to(device)
    both = list(clip.named_parameters()) + list(heads.named_parameters())
    decay = [q for n, q in both if q.ndim >= 2 and "embedding" not in n]
    plain = [q for n, q in both if not (q.ndim >= 2 and "embedding" not in n)]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
                            lr=a.lr, betas=(0.9, 0.98))
    step, samples, made, before = 0, 0, 0, 0.0
    state = os.path.join(a.work, "checkpoint.pt")
    if a.resume:
        c = torch.load(state, map_location=device)
        clip.load_state_dict(c["clip"]), heads.load_state_dict(c["heads"]), opt.load_state_dict(c["opt"])
        step, samples, made, before = c["step"], c["samples"], c["made"], c["seconds"]
    val = held_out(tok, 400, 999_983)
    window = dataset.Window(a.work, VISION[0], TEXT[0], a.seed + step, a.workers or (12 if device == "cuda" else 1))
    print("%s, %.2f M parameters" % (device, sum(q.numel() for q in clip.parameters()) / 1e6), flush=True)

    begin = shown = saved = time.time()
    since = samples
    while True:
        seconds = before + time.time() - begin
        done = min(samples / a.samples if a.samples else seconds / (60 * a.minutes), 1.0)
        if done >= 1:
            break
        warm = min(1.0, (step + 1) / 120)
        rate = a.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in opt.param_groups:
            group["lr"] = rate
        n = a.batch * (2 if done > 0.88 else 1)
        contrast, cell, tone, whole, named, right = losses(clip, heads, window.batch(n), device)
        help_ = 1 - 0.6 * done
        loss = contrast + help_ * (cell + 0.3 * tone + 0.4 * whole + 0.1 * named)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([q for _, q in both], 1.0)
        opt.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, math.log(60))
        step, samples = step + 1, samples + n
        now = time.time()
        if now - shown > 30:
            print("%5.1f min  step %5d  %7d samples  %4.0f/s  made %6d  lr %.1e  clip %.3f (%.2f)  cell %.3f  tone %.3f  "
                  "whole %.3f  named %.3f  scale %.1f" %
                  (seconds / 60, step, samples, (samples - since) / (now - shown), window.made * dataset.SHARD, rate,
                   contrast, right, cell, tone, whole, named, clip.logit_scale.exp()), flush=True)
            shown, since = now, samples
        if now - saved > 240:
            torch.save({"clip": clip.state_dict(), "heads": heads.state_dict(), "opt": opt.state_dict(), "step": step,
                        "samples": samples, "seconds": seconds,
                        "made": made + window.made * dataset.SHARD}, state + ".new")
            os.replace(state + ".new", state)
            print("held out 400: R@1 %.3f R@5 %.3f" % look(clip, val, device), flush=True)
            saved = now
    window.close()
    seconds = before + time.time() - begin
    print("held out 400: R@1 %.3f R@5 %.3f" % look(clip, val, device), flush=True)
    hf_files.save_model(a.out, clip, cfg, tok)
    with open(os.path.join(a.work, "training.txt"), "w") as f:
        f.write("minutes %.1f\nsamples %d\nrendered %d\nsteps %d\nseed %d\ndevice %s\n" %
                (seconds / 60, samples, made + window.made * dataset.SHARD, step, a.seed, device))
    print("exported to", a.out)


if __name__ == "__main__":
    main()
