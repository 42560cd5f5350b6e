"""Trains the demo VLM: matching, captions and questions at once, on one picture tower. Resumable.

    vlm_train.py --pool DIR --work DIR --clip DIR [--minutes N] [--resume]

The picture tower starts from the demo CLIP's. BLIP has no layer norm after the embeddings, so that one is folded into
them with the mean deviation it divides by; the rest is the same but for the activation, which training soon makes up.
"""
import argparse
import math
import os
import pickle
import random
import time
import types

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
import torch.nn as nn
import torch.nn.functional as F

import blip
import render
import hf_files
import vlm_files
import vlm_packed
import vlm_pool
import vlm_text
import wordpiece
import world

VISION = (72, 12, 192, 4, 3, 768)       # image, patch, width, layers, heads, hidden
TEXT = (32, 192, 3, 3, 384)             # positions, width, layers, heads, hidden
EMBED = 128
LONG = 22                               # tokens of a training text
PROMPTS = ["a photo of", "a picture of", "an image of"]
PAIRS = 2                               # of a true and a false text to each picture
KNOWN = (render.GRID, render.GRID, 6, len(world.COLOURS))   # row, column, number, colour of what a word speaks of
HELD_OUT = 900                          # shard for looks along the way


# ---------------------------------------------------------------- start

def from_clip(vision, directory, pixels):
    """Fills the picture tower from a CLIP of the same shape; pixels: some pictures, to see the embeddings' deviation."""
    s = {k[len("vision_model."):]: torch.from_numpy(np.array(v, np.float32))
         for k, v in hf_files.read_safetensors(directory + "/model.safetensors").items() if k.startswith("vision_model.")}
    e = "embeddings."
    weight, position = s[e + "patch_embedding.weight"], s[e + "position_embedding.weight"]
    token = s[e + "class_embedding"]
    gain, shift = s["pre_layrnorm.weight"], s["pre_layrnorm.bias"]
    weight, position, token = weight - weight.mean(0), position - position.mean(1, keepdim=True), token - token.mean()
    grid = pixels.shape[2] // weight.shape[2]
    x = F.conv2d(pixels, weight, stride=weight.shape[2]).flatten(2).transpose(1, 2) + position[1:]
    assert x.shape[1] == grid * grid
    patch_scale, token_scale = (1 / x.std(2, unbiased=False)).median(), 1 / (token + position[0]).std(unbiased=False)
    out = {
        e + "patch_embedding.weight": weight * (patch_scale * gain)[:, None, None, None],
        e + "patch_embedding.bias": torch.zeros_like(gain),
        e + "class_embedding": (token * token_scale * gain).view(1, 1, -1),
        e + "position_embedding": (position * torch.cat([token_scale.view(1), patch_scale.expand(len(position) - 1)])[:, None]
                                   * gain + shift)[None],
        "post_layernorm.weight": s["post_layernorm.weight"], "post_layernorm.bias": s["post_layernorm.bias"],
    }
    for i in range(len(vision.encoder.layers)):
        p = "encoder.layers.%d." % i
        for end in ("weight", "bias"):
            out[p + "self_attn.qkv." + end] = torch.cat([s["%sself_attn.%s_proj.%s" % (p, n, end)] for n in "qkv"])
            out[p + "self_attn.projection." + end] = s[p + "self_attn.out_proj." + end]
            for n in ("layer_norm1.", "layer_norm2.", "mlp.fc1.", "mlp.fc2."):
                out[p + n + end] = s[p + n + end]
    vision.load_state_dict(out)


class Teachers(nn.Module):
    """What each patch shows, and which words of a text are false of the picture; dropped at export."""
    def __init__(self, width, text_width):
        super().__init__()
        self.cell = nn.Linear(width, len(world.CLASSES) + len(world.SCENERY))
        self.tone = nn.Linear(width, len(world.COLOURS))
        self.spot = nn.Linear(text_width, 2)
        self.position = nn.Linear(width, render.GRID ** 2)
        self.know = nn.Linear(text_width, sum(KNOWN))
        self.relation = nn.Linear(text_width, len(vlm_text.BACK))


# ---------------------------------------------------------------- data

def normal(pixels):
    x = torch.from_numpy(np.array(pixels)).float() / 255
    return ((x - torch.tensor(hf_files.MEAN)) / torch.tensor(hf_files.STD)).permute(0, 3, 1, 2).contiguous()


class Shards:
    def __init__(self, directory, numbers):
        self.shards, self.directory = [], directory
        for n in numbers:
            stem = "%s/shard-%04d" % (directory, n)
            if os.path.exists(stem + ".pkl"):
                with open(stem + ".pkl", "rb") as f:
                    self.shards.append((np.load(stem + ".pixels.npy", mmap_mode="r"),) + pickle.load(f))
        self.order, self.at = [], 0

    def draw(self, n, rng, kinds=None, skip=0.0):
        """n pictures, each once before any comes again; -> pixels, cells, tones, scenes. skip: the part of pictures of a
        single thing to leave out."""
        picked = []
        while len(picked) < n:
            if self.at == len(self.order):
                self.order = [(s, i) for s in range(len(self.shards)) for i in range(vlm_pool.SHARD)]
                rng.shuffle(self.order)
                self.at = 0
            s, i = self.order[self.at]
            self.at += 1
            kind = self.shards[s][3][i].kind
            if (kinds is None or kind in kinds) and not (skip and kind == "single" and rng.random() < skip):
                picked.append((s, i))
        get = [np.stack([self.shards[s][k][i] for s, i in picked]) for k in range(3)]
        return get + [[self.shards[s][3][i] for s, i in picked]]


def padded(rows):
    n = max(len(r) for r in rows)
    return torch.tensor([r + [0] * (n - len(r)) for r in rows])


def short(tok, make, limit=LONG - 2):
    """The first text of a few that is short enough (else cut)."""
    for _ in range(5):
        ids = tok.encode(make())
        if len(ids) <= limit:
            break
    return ids[:limit]


def first(tok, rng):
    """transformers begins with [CLS], BLIP's own code with [ENC]: learn both."""
    return wordpiece.CLS if rng.random() < 0.7 else tok.enc


def find(some, whole):
    """Where one list lies in another."""
    return [i for i in range(len(whole) - len(some) + 1) if whole[i:i + len(some)] == some]


_noun_ids = {}


def noun_ids(tok, name):
    if name not in _noun_ids:
        _noun_ids[name] = [tok.encode(w) for w in vlm_text.nouns(name)]
    return _noun_ids[name]


_before = set()


def said_before(tok):
    """Ids of the words that stand before a noun and speak of the same thing."""
    if not _before:
        words = {"a", "an", "the", "one", "small", "little", "tiny", "large", "big", "huge", *world.NUMBERS.values(), *world.COLOURS}
        for some in [*world.COLOUR_WORDS.values(), *world.TEXTURES.values()]:
            words |= {w for text in some for w in text.split()}
        _before.update(i for w in words for i in tok.encode(w))
    return _before


def make_batch(tok, pixels, cells, tones, scenes, rng, augment=True):
    """Texts for pictures. Attributes: pixels, cells, tones, reads [b,2*PAIRS+1,n] (true, false, ..., question), caption [b,n],
    caption_target (-100: not learned), answer, answer_target, spots [b,2*PAIRS,n] (1 where a word is false, -100 not known)."""
    b = types.SimpleNamespace(scenes=[])
    pixels, cells, tones = pixels.copy(), cells.astype(np.int64), tones.astype(np.int64)
    reads, captions, targets, answers, answer_targets = [], [], [], [], []
    b.answers, b.kinds, spots = [], [], []
    b.masks, b.known, looks, caption_looks, relations = [], [], [], [], []

    def aims(scene, cells):
        """(group, number of the set of cells that show it) for what can be told apart by name."""
        out = []
        for g in scene.groups:
            mask = (cells == world.CLASS_ID[g.name]).flatten()
            if mask.any() and sum(h.name == g.name for h in scene.groups) == 1:
                out.append((g, len(b.masks)))
                b.masks.append(mask)
                rows, columns = np.nonzero(mask.reshape(cells.shape))
                colour = world.COLOUR_ID[g.seen_colour()] if g.seen_colour() else -100
                b.known.append([round(rows.mean()), round(columns.mean()), g.count, colour])
        return out

    for i, scene in enumerate(scenes):
        if augment and rng.random() < 0.5:
            scene = vlm_text.mirrored(scene)
            pixels[i], cells[i], tones[i] = pixels[i][:, ::-1], cells[i][:, ::-1], tones[i][:, ::-1]
        b.scenes.append(scene)
        other = scenes[i - 1]
        facts = world.facts(scene)
        for _ in range(PAIRS):
            pair = vlm_text.minimal_pair(rng, scene, facts) if rng.random() < 0.75 else None
            if pair:
                true, false = (tok.encode(t)[:LONG - 2] for t in pair)
            else:
                true = short(tok, lambda: vlm_text.true_text(rng, scene))
                false = short(tok, lambda: vlm_text.false_text(rng, scene, other, facts))
            differ = [int(x != y) for x, y in zip(true, false)]
            known = pair and len(true) == len(false) and sum(differ) <= 6
            reads.append([first(tok, rng)] + true + [wordpiece.SEP])
            reads.append([first(tok, rng)] + false + [wordpiece.SEP])
            spots.append([-100] + [0] * len(true) + [-100])
            spots.append([-100] + (differ if known else [-100] * len(false)) + [-100])
        q, a, kind = vlm_text.question(rng, scene)
        reads.append([first(tok, rng)] + tok.encode(q)[:LONG - 2] + [wordpiece.SEP])
        b.answers.append(a), b.kinds.append(kind)
        prompt = tok.encode(rng.choice(PROMPTS)) if augment and rng.random() < 0.25 else []
        c = tok.encode(vlm_text.canonical(scene)) + [wordpiece.SEP]
        captions.append([tok.dec] + prompt + c[:-1])
        targets.append([-100] * len(prompt) + c)
        a = tok.encode(a) + [wordpiece.SEP]
        there = aims(scene, cells[i])
        for row in reads[-2 * PAIRS - 1:]:
            look, relation, spans = [-1] * len(row), [-100] * len(row), []
            for g, number in there:
                for noun in noun_ids(tok, g.name):
                    for at in find(noun, row):
                        begin = at
                        while row[begin - 1] in said_before(tok):
                            begin -= 1
                        look[begin:at + len(noun)] = [number] * (at + len(noun) - begin)
                        spans.append((begin, at + len(noun), g))
            spans.sort(key=lambda s: s[0])
            if scene.relation and len(spans) == 2 and spans[0][2] is not spans[1][2]:
                true = scene.relation if spans[0][2] is scene.groups[0] else vlm_text.BACK[scene.relation]
                for at in range(spans[0][1], spans[1][0]):
                    relation[at] = list(vlm_text.BACK).index(true)
            looks.append(look)
            relations.append(relation)
        look = [-1] * (len(prompt) + len(c))
        for g, number in there:
            phrase = tok.encode(vlm_text.noun_phrase(g, scene.size_word))
            for at in find(phrase, c):
                look[len(prompt) + at:len(prompt) + at + len(phrase)] = [number] * len(phrase)
        caption_looks.append(look)
        answers.append([tok.dec] + a[:-1])
        answer_targets.append(a)
    b.reads = padded(reads).view(len(scenes), 2 * PAIRS + 1, -1)
    b.caption, b.answer = padded(captions), padded(answers)

    def ignored(rows, like, value=-100):
        t = torch.full(like.shape, value, dtype=torch.int64)
        for i, r in enumerate(rows):
            t[i, :len(r)] = torch.tensor(r)
        return t
    b.caption_target, b.answer_target = ignored(targets, b.caption), ignored(answer_targets, b.answer)
    b.spots = ignored(spots, torch.empty(2 * PAIRS * len(scenes), b.reads.shape[2])).view(len(scenes), 2 * PAIRS, -1)
    b.looks = ignored(looks, b.reads.flatten(0, 1), -1)
    b.relations = ignored(relations, b.reads.flatten(0, 1))
    b.caption_looks = ignored(caption_looks, b.caption, -1)
    b.masks, b.known = torch.from_numpy(np.stack(b.masks)).float(), torch.tensor(b.known)
    b.pixels = normal(pixels)
    if augment:                                             # light differs from picture to picture
        b.pixels = b.pixels * torch.empty(len(scenes), 1, 1, 1).uniform_(0.9, 1.1) + torch.empty(len(scenes), 1, 1, 1).uniform_(-0.1, 0.1)
    b.cells, b.tones = torch.from_numpy(cells), torch.from_numpy(tones)
    return b


# ---------------------------------------------------------------- the loss

def losses(model, heads, temperature, b, smooth, with_itc, fixed_vision=False):
    with torch.set_grad_enabled(torch.is_grad_enabled() and not fixed_vision):
        image = model.vision_model(b.pixels)
    cells, out = b.cells.flatten(), {}
    loss = F.cross_entropy(heads.cell(image[:, 1:]).flatten(0, 1), cells, ignore_index=-1, reduction="none")
    things = ((cells >= 0) & (cells < len(world.CLASSES))).float()
    things = things * (1 + (cells >= len(world.OBJECTS)).float())
    out["cell"] = (loss * things).sum() / things.sum().clamp(min=1) + 0.2 * (loss * (things == 0)).mean()
    out["tone"] = F.cross_entropy(heads.tone(image[:, 1:]).flatten(0, 1), b.tones.flatten(), ignore_index=-1)
    cross = model.reader.cross_states(image)
    x, y, at, at_r, looks, states = vlm_packed.texts(model, cross, b.reads, b.caption)
    # the first head of each layer learns to look at the thing a word speaks of (the captioner's: is about to)
    aim = torch.cat([b.looks.flatten()[at_r], b.caption_looks.flatten()[at]])
    keep = aim >= 0
    mask = b.masks[aim[keep]]
    out["look"] = sum(-(torch.log((w[keep][:, 1:] * mask).sum(1) + 1e-3)).mean() for w in looks) / len(looks)
    keep = aim[:len(at_r)] >= 0
    known = heads.know(states[0][keep]).split(KNOWN, 1)          # early, so that later layers can compare
    out["know"] = sum(F.cross_entropy(k, t) for k, t in zip(known, b.known[aim[:len(at_r)][keep]].T))
    true = b.relations.flatten()[at_r]
    out["rel"] = F.cross_entropy(heads.relation(states[1]), true, ignore_index=-100)
    n = image.shape[1] - 1
    out["pos"] = F.cross_entropy(heads.position(image[:, 1:]).flatten(0, 1), torch.arange(n).repeat(len(image)))
    logits = model.itm_head(x[:, :-1, 0]).flatten(0, 1)
    truth = torch.tensor([1, 0]).repeat(len(image) * PAIRS)
    out["itm"] = F.cross_entropy(logits, truth, label_smoothing=smooth)
    spots = torch.cat([b.spots, torch.full_like(b.spots[:, :1], -100)], 1).flatten()[at_r]
    keep = spots >= 0              # before the last layer, in which the first token can ask all others
    out["spot"] = F.cross_entropy(heads.spot(states[-2][keep]), spots[keep], torch.tensor([1.0, 4.0]))
    target = b.caption_target.flatten()[at]
    keep = target >= 0
    out["lm"] = F.cross_entropy(model.head(y[keep], model.words()), target[keep], label_smoothing=smooth)
    z = model.answerer(b.answer, model.answerer.cross_states(x[:, -1]), blip.causal(b.answer.shape[1]),
                       blip.padding(b.reads[:, -1]))
    keep = b.answer_target >= 0
    out["vqa"] = F.cross_entropy(model.answer_head(z[keep], model.words()), b.answer_target[keep], label_smoothing=smooth)
    if with_itc:
        text = model.itc_text(b.reads[:, 0])
        sim = temperature.exp() * text @ model.itc_image(image).T
        target = torch.arange(len(image))
        out["itc"] = (F.cross_entropy(sim, target, label_smoothing=0.05) +
                      F.cross_entropy(sim.T, target, label_smoothing=0.05)) / 2
    return out, logits


# ---------------------------------------------------------------- greedy decoding, and a look along the way

def greedy(step, start, limit=30):
    """step: ids [b, n] -> logits [b, vocabulary] of the next token; -> list of token lists without start and [SEP]."""
    ids, done = torch.tensor(start), torch.zeros(len(start), dtype=torch.bool)
    while ids.shape[1] < limit and not done.all():
        nxt = step(ids).argmax(1)
        nxt[done] = 0
        done |= nxt == wordpiece.SEP
        ids = torch.cat([ids, nxt[:, None]], 1)
    out = []
    for row, s in zip(ids.tolist(), start):
        row = row[len(s):]
        out.append(row[:row.index(wordpiece.SEP)] if wordpiece.SEP in row else [i for i in row if i])
    return out


def captions(model, tok, image, prompt=""):
    cross = model.captioner.cross_states(image)

    def step(ids):
        x = model.captioner(ids, cross, blip.causal(ids.shape[1]))
        return model.head(x[:, -1], model.words())
    start = [tok.dec] + tok.encode(prompt)
    return [tok.decode(r) for r in greedy(step, [start] * len(image))]


def answers(model, tok, image, questions):
    q = padded([[wordpiece.CLS] + tok.encode(t) + [wordpiece.SEP] for t in questions])
    states = model.question_states(image, q)
    cross, mask = model.answerer.cross_states(states), blip.padding(q)

    def step(ids):
        x = model.answerer(ids, cross, blip.causal(ids.shape[1]), mask)
        return model.answer_head(x[:, -1], model.words())
    return [tok.decode(r) for r in greedy(step, [[tok.dec]] * len(image), 12)]


def look(model, heads, temperature, tok, shards):
    model.eval()
    rng = random.Random(5)
    pixels, cells, tones, scenes = (s[:384] for s in shards.shards[0])
    right = asked = same = seen = 0
    ways = {}
    with torch.no_grad():
        for i in range(0, len(scenes), 128):
            b = make_batch(tok, pixels[i:i + 128], cells[i:i + 128], tones[i:i + 128], scenes[i:i + 128], rng, False)
            out, logits = losses(model, heads, temperature, b, 0.0, True)
            hit = logits.argmax(1).view(-1, 2) == torch.tensor([1, 0])
            image = model.vision_model(b.pixels)
            said = captions(model, tok, image)
            questions = [tok.decode(r[1:r.index(wordpiece.SEP)]) for r in b.reads[:, -1].tolist()]
            told = answers(model, tok, image, questions)
            right, asked = right + hit.sum().item(), asked + hit.numel()
            same += sum(c == vlm_text.canonical(s) for c, s in zip(said, b.scenes))
            seen += len(said)
            for k, a, t in zip(b.kinds, b.answers, told):
                n = ways.setdefault(k, [0, 0])
                n[0] += a == t
                n[1] += 1
    model.train()
    print("held out: itm %.3f  captions word for word %.3f  answers %.3f (%s)   e.g. %s | %s" % (
        right / asked, same / seen, sum(n[0] for n in ways.values()) / seen,
        ", ".join("%s %.2f" % (k, n[0] / n[1]) for k, n in sorted(ways.items())), said[0], said[1]), flush=True)


# ---------------------------------------------------------------- the run

def together(parameters, done):
    """Mean of the gradients over all processes, and the first one's clock: one message a step."""
    have = [q for q in parameters if q.grad is not None]
    n = dist.get_world_size()
    flat = torch.cat([q.grad.flatten() for q in have] + [torch.tensor([done if dist.get_rank() == 0 else 0.0])])
    dist.all_reduce(flat)
    at = 0
    for q in have:
        q.grad.copy_(flat[at:at + q.numel()].view_as(q)).div_(n)
        at += q.numel()
    return flat[-1].item()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pool", required=True, help="shards of vlm_pool.py")
    p.add_argument("--work", required=True, help="checkpoint and log")
    p.add_argument("--clip", required=True, help="the demo CLIP's directory, for the start")
    p.add_argument("--minutes", type=float, default=130)
    p.add_argument("--steps", type=int, default=0, help="train so many steps, however long it takes")
    p.add_argument("--batch", type=int, default=24, help="pictures per process and step")
    p.add_argument("--lr", type=float, default=3e-3, help="peak rate of the text side")
    p.add_argument("--vision-lr", type=float, default=1e-3)
    p.add_argument("--processes", type=int, default=2, help="each has one thread and its own part of the batch")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--resume", action="store_true")
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    meeting = os.path.join(os.path.abspath(a.work), "meeting-%d" % os.getpid())
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    multiprocessing.spawn(run, (a, meeting), a.processes)
    if os.path.exists(meeting):
        os.remove(meeting)


def run(rank, a, meeting):
    dist.init_process_group("gloo", init_method="file://" + meeting, rank=rank, world_size=a.processes)
    torch.set_num_threads(1)       # a process for each core: threads would wait for one another at every operation
    torch.manual_seed(a.seed)
    tok = wordpiece.Tokenizer(wordpiece.vocabulary())
    cfg = vlm_files.config(tok, VISION, TEXT, EMBED)
    model, heads, temperature = blip.Blip(cfg), Teachers(VISION[2], TEXT[1]), nn.Parameter(torch.tensor(math.log(12.0)))
    shards, held = Shards(a.pool, range(HELD_OUT)), Shards(a.pool, [HELD_OUT])
    from_clip(model.vision_model, a.clip, normal(shards.shards[0][0][:200]))
    vision = list(model.vision_model.parameters())
    ids = {id(q) for q in vision}
    late = [*heads.spot.parameters(), *heads.position.parameters(), *heads.know.parameters(), *heads.relation.parameters()]
    ids |= {id(q) for q in late}
    rest = [q for q in [*model.parameters(), *heads.parameters(), temperature] if id(q) not in ids]
    groups = [{"params": [q for q in some if (q.ndim >= 2) == flat], "weight_decay": 0.03 * flat, "peak": peak}
              for some, peak in ((vision, a.vision_lr), (rest, a.lr)) for flat in (True, False)] + [{"params": late, "weight_decay": 0.0, "peak": a.lr}]
    peaks = [g["peak"] for g in groups]
    opt = torch.optim.AdamW(groups, lr=a.lr, betas=(0.9, 0.98))
    every = vision + rest + late
    step = samples = 0
    before, state = 0.0, os.path.join(a.work, "checkpoint.pt")
    if a.resume:
        c = torch.load(state)
        model.load_state_dict(c["model"]), heads.load_state_dict(c["heads"]), opt.load_state_dict(c["opt"])
        temperature.data.copy_(c["temperature"])
        for group, peak in zip(opt.param_groups, peaks):       # those of this command line
            group["peak"] = peak
        step, samples, before = c["step"], c["samples"], c["seconds"]
    rng = random.Random(a.seed * 1000 + step * 10 + rank)
    torch.manual_seed(a.seed * 1000 + step * 10 + rank)
    say = print if rank == 0 else lambda *_, **__: None
    say("%d pictures, %.2f M parameters, vocabulary %d" % (
        len(shards.shards) * vlm_pool.SHARD, sum(q.numel() for q in model.parameters()) / 1e6, tok.size), flush=True)

    def save(seconds):
        torch.save({"model": model.state_dict(), "heads": heads.state_dict(), "opt": opt.state_dict(),
                    "temperature": temperature.data, "step": step, "samples": samples, "seconds": seconds,
                    "pictures": len(shards.shards) * vlm_pool.SHARD}, state + ".new")
        os.replace(state + ".new", state)

    begin = shown = saved = looked = time.time()
    mean, since = {}, samples
    fraction = (lambda: min(step / a.steps if a.steps else (before + time.time() - begin) / (60 * a.minutes), 1.0))
    done = fraction()              # from the second step on: what the first process says
    while done < 1:
        shape = min(1.0, (step + 1) / 250) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        for g in opt.param_groups:
            g["lr"] = g["peak"] * shape
        kinds = {"single", "pair", "count"} if done < 0.08 else None
        b = make_batch(tok, *shards.draw(a.batch, rng, kinds, 0.6 if done > 0.6 else 0.0), rng)
        out, _ = losses(model, heads, temperature, b, 0.02, step % 16 == 0, step < 150)
        help_ = 0.5 * (1 - 0.8 * done)
        loss = 2 * out["itm"] + out["lm"] + 0.7 * out["vqa"] + help_ * (out["cell"] + 0.3 * out["tone"]) + \
            (1 - 0.6 * done) * (out["spot"] + 0.5 * out["look"] + 0.6 * out["pos"] + 0.4 * out["know"] + 0.7 * out["rel"]) + 0.3 * out.get("itc", 0.0)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        done = together(every, fraction())
        nn.utils.clip_grad_norm_(every, 1.0)
        opt.step()
        with torch.no_grad():
            temperature.clamp_(0, math.log(40))
        step, samples = step + 1, samples + a.batch * a.processes
        for k, v in out.items():
            mean.setdefault(k, []).append(v.item())
        now = time.time()
        if rank:
            continue
        if now - shown > 30:
            print("%5.1f min  step %5d  %7d samples  %4.0f/s  lr %.1e  %s" % (
                (before + now - begin) / 60, step, samples, (samples - since) / (now - shown), opt.param_groups[-1]["lr"],
                "  ".join("%s %.3f" % (k, sum(v) / len(v)) for k, v in sorted(mean.items()))), flush=True)
            shown, since, mean = now, samples, {}
        if now - saved > 120:
            save(before + now - begin)
            saved = now
        if now - looked > 420:
            look(model, heads, temperature, tok, held)
            looked = time.time()
    if rank == 0:
        save(before + time.time() - begin)
        look(model, heads, temperature, tok, held)
    dist.barrier()


if __name__ == "__main__":
    main()
