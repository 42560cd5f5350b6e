#!/usr/bin/env python3
"""Measures the demo VLM by what the glimpse command answers about data/demo-relations. Needs nothing but Python.

    measure_vlm.py [--glimpse BIN] [--clip DIR] [--vlm DIR] [--data DIR] [--json FILE]

Retrieval: each query of captions.tsv searches the 240 pictures, by CLIP alone, and with the best K of CLIP put in the
order of `glimpse itm`; "blended" is what `glimpse search --rerank` does, the sum of both standardised scores. Within a kind only that kind's 80 pictures compete. Captions: word by word and attribute by
attribute against truth.tsv. Questions: the answer as written in questions.tsv.
"""
import argparse
import json
import os
import subprocess
import sys

import vlm_text

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def table(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    return [dict(zip(rows[0], r)) for r in rows[1:]]


def answers_of(command):
    out = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if out.returncode not in (0, 1):
        sys.exit("%s ... : exit code %d" % (" ".join(command[:6]), out.returncode))
    return [json.loads(line) for line in out.stdout.decode().splitlines()]


def recall(order, fits, k):
    """order[q]: pictures best first; share of queries with a fitting one among the first k."""
    return sum(bool(set(order[q][:k]) & fits[q]) for q in order) / len(order)


def standard(values):
    """Mean 0, deviation 1."""
    mean = sum(values) / len(values)
    deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    return [(v - mean) / deviation if deviation else 0.0 for v in values]


def embed(a, kind, what):
    out = []
    for i in range(0, len(what), 120):
        command = [a.glimpse, "embed", "--quiet", "--model", a.clip]
        for w in what[i:i + 120]:
            command += ["--" + kind, w]
        out += [r["embedding"] for r in answers_of(command)]
    return out


def retrieval(a):
    rows = table(a.data + "/captions.tsv")
    images, queries = sorted({r["image"] for r in rows}), list(dict.fromkeys(r["caption"] for r in rows))
    kind = {r["caption"]: r["kind"] for r in rows}
    fits = {q: {r["image"] for r in rows if r["caption"] == q} for q in queries}
    vectors = embed(a, "image", ["%s/%s" % (a.data, i) for i in images])
    first, cosine = {}, {}
    for q, v in zip(queries, embed(a, "text", queries)):
        score = {i: sum(x * y for x, y in zip(v, w)) for i, w in zip(images, vectors)}
        first[q], cosine[q] = sorted(images, key=lambda i: -score[i]), score
    match = {}
    for i in images:                          # a picture is encoded once for all queries that have it on their list
        mine = [q for q in queries if i in first[q][:a.shortlist] or i.startswith(kind[q])]
        command = [a.glimpse, "itm", "--quiet", "--model", a.vlm + "/itm", "--image", "%s/%s" % (a.data, i)]
        for q, r in zip(mine, answers_of(command + [x for q in mine for x in ("--text", q)])):
            match[q, i] = r["itm_logits"][1] - r["itm_logits"][0]
    out = {"shortlist": a.shortlist, "weight": a.weight}

    def figures(name, some, pool):
        clip = {q: [i for i in first[q] if i in pool] for q in some}

        def again(weight):
            out = {}
            for q in some:
                best = clip[q][:a.shortlist]
                one, two = standard([cosine[q][i] for i in best]), standard([match[q, i] for i in best])
                order = sorted(range(len(best)), key=lambda j: -((1 - weight) * one[j] + weight * two[j]))
                out[q] = [best[j] for j in order]
            return {"R@1": recall(out, fits, 1), "R@5": recall(out, fits, 5)}
        out[name] = {"queries": len(clip), "pictures": len(pool),
                     "clip": {"R@1": recall(clip, fits, 1), "R@5": recall(clip, fits, 5)},
                     "reranked": again(1.0), "blended": again(a.weight)}
    figures("all", queries, set(images))
    for k in ("spatial", "attributes", "counts"):
        figures(k, [q for q in queries if kind[q] == k], {i for i in images if i.startswith(k)})
    return out


def captions(a):
    rows = table(a.data + "/truth.tsv")
    said = {}
    for i in range(0, len(rows), 80):
        for r in answers_of([a.glimpse, "caption", "--quiet", "--json", "--model", a.vlm + "/caption"] +
                            ["%s/%s" % (a.data, r["image"]) for r in rows[i:i + 80]]):
            said[os.path.relpath(r["path"], a.data)] = r["caption"]
    return vlm_text.marks((r["caption"], said[r["image"]]) for r in rows)


def questions(a):
    rows, by_image, told = table(a.data + "/questions.tsv"), {}, {}
    for r in rows:
        by_image.setdefault(r["image"], []).append(r)
    for image, mine in by_image.items():
        command = [a.glimpse, "vqa", "--quiet", "--model", a.vlm + "/vqa", "--image", "%s/%s" % (a.data, image)]
        for r, out in zip(mine, answers_of(command + [x for r in mine for x in ("--question", r["question"])])):
            told[image, r["question"]] = out["answer"]
    return vlm_text.shares((r["kind"], told[r["image"], r["question"]] == r["answer"]) for r in rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--glimpse", default=ROOT + "/build/release/bin/glimpse")
    p.add_argument("--clip", default=ROOT + "/data/models/demo")
    p.add_argument("--vlm", default=ROOT + "/data/models/demo-vlm")
    p.add_argument("--data", default=ROOT + "/data/demo-relations")
    p.add_argument("--shortlist", type=int, default=50)
    p.add_argument("--weight", type=float, default=0.7, help="of the second score in the blend")
    p.add_argument("--json", help="also write the figures here")
    a = p.parse_args()
    out = {"retrieval": retrieval(a), "captions": captions(a), "questions": questions(a)}
    text = json.dumps(out, indent=1)
    print(text)
    if a.json:
        with open(a.json, "w") as f:
            f.write(text + "\n")


if __name__ == "__main__":
    main()
