"""Writes the model card (README.md) from the evaluation figures, the training record and the machine it runs on.

    model_card.py MODEL EVALUATION.json TRAINING.txt
"""
import json
import os
import sys

import hf_files
import world


def machine():
    try:
        import torch
        if torch.cuda.is_available():
            return torch.cuda.get_device_name(0)
    except ImportError:
        pass
    names = [l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    return "%d cores of %s (shared with other programs)" % (len(names), names[0] if names else "unknown")


def pct(x):
    return "%.1f %%" % (100 * x)


def main(directory, figures, record):
    e = json.load(open(figures))
    t = dict(line.strip().split(" ", 1) for line in open(record))
    cfg = json.load(open(directory + "/config.json"))
    v, x = cfg["vision_config"], cfg["text_config"]
    n = sum(a.size for a in hf_files.read_safetensors(directory + "/model.safetensors").values())
    r, z, c = e["retrieval"], e["zero_shot"], e["combinations"]
    lines = [
        "# The demo model",
        "",
        "A small CLIP (image and text encoder) in the published Hugging Face layout, trained from nothing by",
        "`tools/train/run.sh`. It ships with the project so that everything runs without a download.",
        "",
        "**It knows only a small drawn world**: %d things from an emoji font and %d geometric shapes, %d colours, three"
        % (len(world.OBJECTS), len(world.SHAPES), len(world.COLOURS)),
        "textures, one to five at a time, on %d kinds of scenery or a plain ground, described in short English sentences."
        % len(world.BACKGROUNDS),
        "It knows no photographs, no people, no other words. On real pictures its answers mean nothing: use a downloaded",
        "model such as `openai/clip-vit-base-patch32` for those; the commands are the same.",
        "",
        "| | |", "| --- | --- |",
        "| parameters | %.2f million, F16, %.1f MB |" % (n / 1e6, os.path.getsize(directory + "/model.safetensors") / 1e6),
        "| image tower | %d x %d pixels, patch %d, width %d, %d layers, %d heads |" %
        (v["image_size"], v["image_size"], v["patch_size"], v["hidden_size"], v["num_hidden_layers"], v["num_attention_heads"]),
        "| text tower | %d positions, width %d, %d layers, %d heads; %d vocabulary entries of its own |" %
        (x["max_position_embeddings"], x["hidden_size"], x["num_hidden_layers"], x["num_attention_heads"], x["vocab_size"]),
        "| embedding | %d |" % cfg["projection_dim"],
        "| training | %s samples (%s pictures drawn, each used about %.1f times) in %s steps, %s minutes on %s, seed %s |" %
        (t["samples"], t["rendered"], int(t["samples"]) / int(t["rendered"]), t["steps"], t["minutes"],
         machine() if t["device"] == "cpu" else t["device"], t["seed"]),
        *(["", t["note"]] if "note" in t else []),
        "",
        "## Figures",
        "",
        "Measured on these exported files by `tools/train/evaluate.py`: pictures of 240 to 640 pixels drawn from seeds",
        "that neither training nor its adjustment used, JPEG-encoded, then the model's own preprocessing.",
        "",
        "| what | result |", "| --- | --- |",
        "| text to image, 1,000 different held-out captions, only the caption's own picture counts: R@1 / R@5 / R@10 | "
        "%s / %s / %s |" % tuple(pct(r[k]) for k in ("R@1", "R@5", "R@10")),
        "| the same, any picture counts of which the caption is true (%d captions fit more than one): R@1 / R@5 | %s / %s |" %
        (r["captions true of more than one picture"], pct(r["any true picture"]["R@1"]), pct(r["any true picture"]["R@5"])),
        "| image to text, same set: R@1 / R@5 | %s / %s |" % (pct(r["image->text R@1"]), pct(r["image->text R@5"])),
        "| zero-shot, %d classes, single-element scenes, prompt \"a photo of a {}.\" | %s |" %
        (len(world.CLASSES), "%s (things %s, plain shapes %s)" %
         ((pct(z["a photo of a {}."]),) + tuple(map(pct, z["a photo of a {}. things, shapes"])))),
        "| the same with the bare class name | %s |" % pct(z["{}"]),
        "| colour-object pairs never seen together in training (%d pairs), among %d pairs | %s (object %s, colour %s) |" %
        (len(world.UNSEEN), c["candidates"], pct(c["never seen together"]), pct(c["never seen: object right"]),
         pct(c["never seen: colour right"])),
        "| pairs seen in training, for comparison | %s |" % pct(c["seen together"]),
        "",
        "Aims were R@5 of 90 %% (%s) and zero-shot of 95 %% (%s)." %
        tuple("reached" if ok else "not reached" for ok in (r["R@5"] >= 0.9, z["a photo of a {}."] >= 0.95)),
        "R@1 by kind of scene: " + ", ".join("%s %s" % (k, pct(a)) for k, a in r["R@1 by kind"].items()) + ".",
        "Most frequent zero-shot mistakes: " + ("; ".join(z["most frequent mistakes"]) or "none") + ".",
    ]
    if "demo" in e:
        d = e["demo"]
        lines += [
            "", "On `data/demo` (drawn with yet another seed):", "",
            "| what | result |", "| --- | --- |",
            "| captions.tsv, %d pictures without the duplicates: R@1 / R@5 | %s / %s |" %
            (d["pictures"], pct(d["captions"]["R@1"]), pct(d["captions"]["R@5"])),
            "| labels.tsv, %d pictures, classes.txt, \"a photo of a {}.\" | %s |" % (d["labelled"], pct(d["zero-shot"])),
            "| queries.tsv: first answer right | %d of %d |" % (sum(q["right"] for q in d["queries"]), len(d["queries"])),
            "",
            "Zero-shot mistakes there: " + ("; ".join(d["zero-shot mistakes"]) or "none") + ". For each query a fitting "
            "picture was drawn on purpose, and this collection was also looked at while training was adjusted; take the "
            "first table as the measure.",
        ]
    lines += [
        "", "## Limits", "",
        "- Words outside its world fall apart into letters and give arbitrary results. Always check that a result's score",
        "  stands out.",
        "- Form is its weak side: it gets the colour of a plain shape right far more often than the shape. Retrieval is",
        "  better than zero-shot because captions also name ground, colour and number, which narrow things down.",
        "- How far it understands relations such as \"left of\" has not been measured on its own.",
        "- Everything lies in the central square of training pictures; what a centre crop cuts off cannot be found.",
        "",
        "## Origin and licence", "",
        "Trained only on pictures drawn by `tools/train` from code and from the emoji of Noto Color Emoji (Google, SIL Open",
        "Font License 1.1). No other data. The weights, the vocabulary and this card are under the project's licence.",
    ]
    with open(directory + "/README.md", "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
