"""Writes the three model directories from a checkpoint of vlm_train.py, also while training goes on.

    vlm_export.py WORK OUT
"""
import sys

import torch

import blip
import vlm_files
import vlm_train
import wordpiece


def main(work, out):
    tok = wordpiece.Tokenizer(wordpiece.vocabulary())
    cfg = vlm_files.config(tok, vlm_train.VISION, vlm_train.TEXT, vlm_train.EMBED)
    model, state = blip.Blip(cfg), torch.load(work + "/checkpoint.pt", map_location="cpu")
    model.load_state_dict(state["model"])
    vlm_files.save(out, model, cfg, tok)
    print("%d steps, %d samples, %.1f minutes -> %s" % (state["step"], state["samples"], state["seconds"] / 60, out))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
