"""Writes the demo VLM's model card (README.md).

    vlm_card.py MODEL CHECKPOINT EVALUATION.json [MEASURED.json] [--note TEXT]
"""
import argparse
import json
import os

import torch

import model_card
import vlm_files
import vlm_train
import world

pct = model_card.pct


def size(directory):
    return sum(os.path.getsize(os.path.join(directory, k, "model.safetensors")) for k in vlm_files.ARCHITECTURES)


def share(figures, name):
    return pct(figures[name]["right"]) if name in figures else "-"


def retrieval_rows(m):
    names = {"all": "all", "spatial": "where things are", "attributes": "which has which colour", "counts": "how many"}
    out = ["| queries | pictures that compete | CLIP alone: R@1 | re-ranked by ITM: R@1 | blended (%.1f): R@1 | R@5 of the three |"
           % m["weight"], "| --- | --- | --- | --- | --- | --- |"]
    for k, said in names.items():
        r = m[k]
        kinds = ("clip", "reranked", "blended")
        out.append("| %s (%d) | %d | %s | %s |" % (said, r["queries"], r["pictures"], " | ".join(
            pct(r[w]["R@1"]) for w in kinds), ", ".join(pct(r[w]["R@5"]) for w in kinds)))
    return out


def caption_row(title, c):
    return "| %s | %s |" % (title, " | ".join(share(c, k) for k in (
        "exact", "things", "colour", "texture", "number", "relation", "place", "size", "background")))


def question_rows(columns):
    kinds = {"all": "all", "color": "what colour", "count": "how many", "where": "where is it",
             "relation": "what is left of (right of, above, below) ...", "yesno": "yes or no", "what": "what is this",
             "scene": "where is this, what background"}
    out = []
    for k, said in kinds.items():
        out.append("| %s | %s |" % (said, " | ".join(
            "%s (%d)" % (share(c, k), c[k]["of"]) if k in c else "-" for c in columns)))
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("checkpoint")
    p.add_argument("evaluation")
    p.add_argument("measured", nargs="?")
    p.add_argument("--note", default="")
    a = p.parse_args()
    t = torch.load(a.checkpoint, map_location="cpu")
    e, m = json.load(open(a.evaluation)), json.load(open(a.measured)) if a.measured else None
    v, x = vlm_train.VISION, vlm_train.TEXT
    n = sum({q.data_ptr(): q.numel() for q in t["model"].values()}.values())     # shared ones once
    matching = e["matching"]
    lines = [
        "# The demo VLM", "",
        "A small BLIP in the published Hugging Face layout: `itm` (`BlipForImageTextRetrieval`), `caption`",
        "(`BlipForConditionalGeneration`) and `vqa` (`BlipForQuestionAnswering`), made by `tools/train/make_demo_vlm.py`. It",
        "looks again at what the demo CLIP has found, so that re-ranking, captions and questions work without a download.",
        "",
        "    glimpse itm -m data/models/demo-vlm/itm -i PICTURE \"a red circle to the left of a blue square\"",
        "    glimpse caption -m data/models/demo-vlm/caption PICTURE...",
        "    glimpse vqa -m data/models/demo-vlm/vqa -i PICTURE \"how many dogs are there?\"",
        "",
        "**It knows only the demo's drawn world**: %d things from an emoji font and %d shapes, %d colours, three textures, one to"
        % (len(world.OBJECTS), len(world.SHAPES), len(world.COLOURS)),
        "five at a time, on %d kinds of scenery or a plain ground, and the short English sentences that describe such scenes."
        % len(world.BACKGROUNDS),
        "What it says of a photograph means nothing.",
        "", "| | |", "| --- | --- |",
        "| parameters | %.2f million in training; the three directories share the picture tower and, between matching and"
        " questions, the text encoder; F16, %.1f MB together |" % (n / 1e6, size(a.model) / 1e6),
        "| picture tower | %d x %d pixels (squashed, no crop), patch %d, width %d, %d layers, %d heads |" % (
            v[0], v[0], v[1], v[2], v[3], v[4]),
        "| text side | %d positions, width %d, %d layers, %d heads, %d WordPiece entries (words of the world, letters for the"
        " rest) |" % (x[0], x[1], x[2], x[3], len(t["model"]["head.bias"])),
        "| training | %d pictures (of %d drawn) in %d steps, %.0f minutes in two processes on %s; the picture tower began as"
        " the demo CLIP's |" % (t["samples"], t["pictures"], t["steps"] if "steps" in t else t["step"], t["seconds"] / 60,
                                model_card.machine()),
        *(["", a.note] if a.note else []),
        "", "Each training picture came with a true text, a false one (mostly a near miss: places, colours, textures or numbers",
        "swapped or changed), a question and its canonical caption.", "",
        "## Figures", "",
    ]
    if m:
        lines += [
            "`data/demo-relations` has %d pictures in sets of four that differ only in where things are, which has which" %
            m["retrieval"]["all"]["pictures"],
            "colour, or how many there are, and a query for each. Measured through the `glimpse` command by",
            "`tools/train/measure_vlm.py`; CLIP is the demo CLIP, its best %d are put in the order of the ITM logits, or of both standardised scores:" %
            m["retrieval"]["shortlist"], "",
            *retrieval_rows(m["retrieval"]), ""]
    lines += [
        "On %d fresh scenes of all kinds (`vlm_evaluate.py`; 240 to 640 pixels, JPEG, seeds that training never used), for"
        % e["scenes"],
        "matching: a true text scored above a text with one thing changed %s, true text taken as true %s, changed text" % (
            share(matching, "true text above its near miss"), share(matching, "true text taken as true")),
        "taken as false %s." % share(matching, "near miss taken as false"), "",
        "Captions (greedy): share with every attribute right, then each attribute by itself.", "",
        "| pictures | all right | things | colour | texture | number | relation | place | size | ground |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        caption_row("%d fresh scenes" % e["scenes"], e["captions"]),
        *([caption_row("data/demo-relations, %d pictures" % m["captions"]["exact"]["of"], m["captions"])] if m else []),
        "", "All right by kind of scene (fresh): %s." % ", ".join(
            "%s %s" % (k, share(e["captions exact by kind"], k)) for k in sorted(e["captions exact by kind"]) if k != "all"),
        "", "Questions, the answer word for word (how many were asked):", "",
        "| question | fresh scenes |%s" % (" data/demo-relations |" if m else ""),
        "| --- | --- |%s" % (" --- |" if m else ""),
        *question_rows([e["questions"]] + ([m["questions"]] if m else [])),
        "", "## Limits", "",
        "- Captions have one form (size, colour, texture, thing; left before right, upper before lower; the ground last).",
        "  A wrong thing is more frequent than a wrong colour or number; \"relation\" counts only with both things right.",
        "- A thing's own colour (a fox is orange) is not said, only a colour it was painted in.",
        "- Words outside its world fall apart into letters that it has hardly seen.",
        "- Numbers of two kinds at once are its weak side.",
        "- How good `itc_cosine` is has not been measured; it was trained along the way.",
        "", "## Origin and licence", "",
        "Trained only on pictures drawn by `tools/train` from code and from the emoji of Noto Color Emoji (Google, SIL Open",
        "Font License 1.1). No other data. The weights, the vocabulary and this card are under the project's licence.",
    ]
    with open(os.path.join(a.model, "README.md"), "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
