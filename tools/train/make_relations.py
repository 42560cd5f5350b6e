"""Draws data/demo-relations: pictures that differ only in where things are, which has which colour, or how many there are.

    make_relations.py OUT      the same bytes every time with the same Pillow

Words alone do not tell these pictures apart ("a red circle left of a blue square" has the words of its mirror), so
they measure what re-ranking with the VLM is worth. All are drawn from seeds that training never used.

    captions.tsv               image, caption, kind: a query for each picture, in three kinds of near misses
    spatial.tsv, attributes.tsv, counts.tsv    the same by kind: only these pictures compete
    truth.tsv                  image, canonical caption: for the captioner; also 80 scenes of all kinds
    questions.tsv              image, question, answer, kind
"""
import argparse
import os
import random
import shutil

import render
import vlm_text
import world

SEED = 20_261_121        # never used for training
GROUPS = 20              # of four pictures, for each kind
SCENES = 80


def two_things(rng, coloured=False):
    """Two groups of different name; coloured: both in an explicit colour, different ones, that both can have."""
    while True:
        a, b = world.sample_group(rng), world.sample_group(rng)
        if a.name == b.name:
            continue
        if coloured:
            if not a.colour or not b.colour or a.colour == b.colour or (a.texture or "solid") != (b.texture or "solid"):
                continue
            names = {(a.name, b.colour), (b.name, a.colour)}
            if names & world.UNSEEN or any(n in world.TINTED and c not in world.TINTS for n, c in names):
                continue
        return a, b


def scene(rng, kind, background, groups, relation=None):
    made = [world.Group(g.name, g.colour, g.texture, n) for g, n in groups]
    while True:
        s = world.Scene(kind, background, made)
        world.place(rng, s)
        if relation in (None, s.relation):
            return s


def recoloured(g, colour):
    return world.Group(g.name, colour, g.texture, 1)


def words(g, n):
    return vlm_text.noun_phrase(world.Group(g.name, g.colour, g.texture, n))


def key(g):
    return "%s|%s|%s" % (g.name, g.colour or "", g.texture if g.texture and g.texture != "solid" else "")


def claims(groups, relation=None):
    """What a query says of (group, number) pairs, in the words of world.facts."""
    out = {"n:%s:%d" % (key(g), n) for g, n in groups}
    if relation:
        out.add("r:%s:%s:%s" % (key(groups[0][0]), relation, key(groups[1][0])))
    return out


def spatial(rng):
    """Two things on one ground: a left of b, b left of a, a above b, b above a."""
    a, b = two_things(rng)
    ground = world.sample_background(rng, [a, b])
    for first, second, relation in ((a, b, "left"), (b, a, "left"), (a, b, "above"), (b, a, "above")):
        s = scene(rng, "pair", ground, [(first, 1), (second, 1)], relation)
        x, y, r = first, second, relation
        if rng.random() < 0.5:
            x, y, r = y, x, vlm_text.BACK[r]
        yield s, "%s %s %s" % (words(x, 1), rng.choice(world.RELATIONS[r]), words(y, 1)), claims([(x, 1), (y, 1)], r)


def attributes(rng):
    """Two forms, two colours, all four ways to give them out; places at random."""
    a, b = two_things(rng, coloured=True)
    ground = world.sample_background(rng, [a, b])
    for c, d in ((a.colour, b.colour), (b.colour, a.colour), (a.colour, a.colour), (b.colour, b.colour)):
        x, y = recoloured(a, c), recoloured(b, d)
        s = scene(rng, "pair", ground, [(x, 1), (y, 1)])
        if rng.random() < 0.5:
            x, y = y, x
        yield s, "%s and %s" % (words(x, 1), words(y, 1)), claims([(x, 1), (y, 1)])


def counts(rng, mixed):
    """Two to five of one thing; or two and three of two things, given out in all four ways."""
    a, b = two_things(rng)
    ground = world.sample_background(rng, [a, b])
    if not mixed:
        for n in (2, 3, 4, 5):
            yield scene(rng, "count", ground, [(a, n)]), words(a, n), claims([(a, n)])
        return
    for n, m in ((2, 3), (3, 2), (2, 2), (3, 3)):
        yield (scene(rng, "mixed", ground, [(a, n), (b, m)]), "%s and %s" % (words(a, n), words(b, m)),
               claims([(a, n), (b, m)]))


def write(path, header, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in [header] + rows:
            f.write("\t".join(row) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    a = p.parse_args()
    rng, sprites = random.Random(SEED), render.Sprites(shape_side=384)
    os.makedirs(a.out, exist_ok=True)
    every, said = [], set()
    for kind in ("spatial", "attributes", "counts", "scenes"):
        shutil.rmtree(os.path.join(a.out, kind), ignore_errors=True)
        os.makedirs(os.path.join(a.out, kind))
        sets = []
        while len(sets) < (GROUPS if kind != "scenes" else SCENES):
            if kind == "scenes":
                four = [(world.sample_scene(rng), None, None)]
            else:
                four = list({"spatial": spatial, "attributes": attributes}[kind](rng) if kind != "counts"
                            else counts(rng, len(sets) % 2 == 1))
                if any(c in said for _, c, _ in four):
                    continue
                said |= {c for _, c, _ in four}
            sets.append(four)
        for number, (s, query, claim) in enumerate(x for four in sets for x in four):
            short, ratio = rng.randint(150, 190), rng.choice([1.0, 1.0, 4 / 3, 4 / 3, 3 / 2, 3 / 4])
            w, h = (short, int(short / ratio)) if ratio < 1 else (int(short * ratio), short)
            name = "%s/%03d.jpg" % (kind, number + 1)
            render.picture(s, w, h, sprites, rng).save(os.path.join(a.out, name), quality=75)
            every.append((name, s, query, kind, claim))
    queries = []
    for n, _, q, k, claim in every:
        if q:                      # a query may be true of a picture of another set, too: then that one fits as well
            fits = [m for m, s, other, _, _ in every if other and claim <= world.facts(s)]
            assert n in fits, (q, claim)
            queries += [(m, q, k) for m in [n] + [m for m in fits if m != n]]
    write(a.out + "/captions.tsv", ("image", "caption", "kind"), queries)
    for kind in ("spatial", "attributes", "counts"):
        write("%s/%s.tsv" % (a.out, kind), ("image", "caption"), [(n, q) for n, q, k in queries if k == kind and n.startswith(kind)])
    write(a.out + "/truth.tsv", ("image", "caption"), [(n, vlm_text.canonical(s)) for n, s, _, _, _ in every])
    asked = []
    for n, s, _, _, _ in every:
        mine = set()
        for _ in range(3):
            q, answer, kind = vlm_text.question(rng, s)
            if q not in mine:
                mine.add(q)
                asked.append((n, q, answer, kind))
    write(a.out + "/questions.tsv", ("image", "question", "answer", "kind"), asked)
    size = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(a.out) for f in fs)
    print("%d pictures, %d queries, %d questions, %.2f MB" % (len(every), len({q for _, q, _ in queries}), len(asked), size / 1e6))


if __name__ == "__main__":
    main()
