"""Writes a model directory from a checkpoint of a run that is still going on (train.py exports by itself at the end)."""
import sys

import torch

import bpe
import hf_files
import model
import train


def main(work, out):
    cfg = hf_files.config(train.VOCABULARY, train.VISION, train.TEXT, train.EMBED)
    clip = model.CLIP(cfg)
    state = torch.load(work + "/checkpoint.pt", map_location="cpu")
    clip.load_state_dict(state["clip"])
    hf_files.save_model(out, clip, cfg, bpe.load(work))
    print("%d samples, %.1f minutes" % (state["samples"], state["seconds"] / 60))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
