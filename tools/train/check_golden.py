"""Checks our model class and tokenizer against reference data (a folder with clip-hf-quickgelu/ and tokenizer/)."""
import json
import os
import sys

import numpy as np
import torch

import bpe
import hf_files


def main(golden):
    d = os.path.join(golden, "clip-hf-quickgelu")
    clip, cfg, tok = hf_files.load_model(d)
    exp = json.load(open(d + "/expected/expected.json"))["arrays"]

    def array(name, kind):
        shape = next(a["shape"] for a in (exp.values() if isinstance(exp, dict) else exp)
                     if a["file"] == "%s.%s" % (name, kind))
        return torch.from_numpy(np.fromfile("%s/expected/%s.%s" % (d, name, kind),
                                            {"f32": "<f4", "i32": "<i4"}[kind]).reshape(shape))

    with torch.no_grad():
        image = clip.encode_image(array("pixel_values", "f32"))
        text = clip.encode_text(array("text_ids", "i32").long())
    worst = max((image - array("image_embeds_norm", "f32")).abs().max().item(),
                (text - array("text_embeds_norm", "f32")).abs().max().item())
    print("embeddings: largest difference %.2e" % worst)

    cases = json.load(open(golden + "/tokenizer/clip_bpe_cases.json", encoding="utf-8"))["cases"]
    ascii_cases = [c for c in cases if c["text"].isascii() and c["text"].isprintable() and c["agree"]]
    wrong = [c["text"] for c in ascii_cases if tok.encode(c["text"]) != c["ids"]]
    print("tokenizer: %d plain ASCII cases, %d wrong %s" % (len(ascii_cases), len(wrong), wrong[:5]))
    return 1 if worst > 2e-5 or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
