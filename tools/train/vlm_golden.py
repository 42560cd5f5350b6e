"""Checks blip.py against reference data: a folder with blip-itm/, blip-caption/ and blip-vqa/ (expected.json)."""
import json
import sys

import numpy as np
import torch

import blip
import hf_files


def load(d):
    """The reference's own weights: sparse configurations, separate output matrix, other widths of reader and answerer."""
    cfg = json.load(open(d + "/config.json"))
    t = dict({"hidden_size": 768, "num_attention_heads": 8, "layer_norm_eps": 1e-12}, **cfg["text_config"])
    v = dict({"layer_norm_eps": 1e-5, "patch_size": 16}, **cfg["vision_config"])
    stored = {k: torch.from_numpy(np.array(a)).double() for k, a in hf_files.read_safetensors(d + "/model.safetensors").items()}
    blip.EPS = t["layer_norm_eps"]

    def part(module, prefix):
        module.double().load_state_dict({k: stored[prefix + k] for k in module.state_dict()})
        return module.eval()

    return cfg, t, v, stored, part


def largest(a, b):
    return (a.flatten() - torch.as_tensor(b).double().flatten()).abs().max().item()


def main(golden):
    worst = {}
    with torch.no_grad():
        d = golden + "/blip-itm"
        cfg, t, v, stored, part = load(d)
        exp = json.load(open(d + "/expected.json"))
        vision = part(blip.VisionModel(v), "vision_model.")
        reader = part(blip.TextModel(t, v["hidden_size"]), "text_encoder.")
        images = []
        for im in exp["images"]:
            px = torch.from_numpy(np.fromfile("%s/%s" % (d, im["pixel_values"]), "<f4")).view(1, *im["shape"]).double()
            images.append(vision(px))
            worst["vision"] = max(worst.get("vision", 0), largest(
                images[-1], np.fromfile("%s/%s" % (d, im["vision_last_hidden_state"]), "<f4")))
        for p in exp["pairs"]:
            ids = torch.tensor([exp["captions"][p["caption"]]["input_ids"]])
            x = reader(ids, reader.cross_states(images[p["image"]]), blip.padding(ids).double())
            logits = x[:, 0] @ stored["itm_head.weight"].T + stored["itm_head.bias"]
            worst["itm"] = max(worst.get("itm", 0), largest(logits, p["itm_logits"]))
        d = golden + "/blip-caption"
        cfg, t, v, stored, part = load(d)
        exp = json.load(open(d + "/expected.json"))
        vision = part(blip.VisionModel(v), "vision_model.")
        decoder = part(blip.TextModel(t, v["hidden_size"]), "text_decoder.bert.")
        head = part(blip.Predictions(t), "text_decoder.cls.predictions.")
        f = exp["forward"]
        im = exp["images"][f["image"]]
        px = torch.from_numpy(np.fromfile("%s/%s" % (d, im["pixel_values"]), "<f4")).view(1, *im["shape"]).double()
        ids = torch.tensor([f["input_ids"]])
        x = decoder(ids, decoder.cross_states(vision(px)), blip.causal(ids.shape[1]).double())
        worst["caption logits"] = largest(head(x, stored["text_decoder.cls.predictions.decoder.weight"]),
                                          np.fromfile("%s/%s" % (d, f["logits"]), "<f4"))
        d = golden + "/blip-vqa"
        cfg, t, v, stored, part = load(d)
        exp = json.load(open(d + "/expected.json"))
        vision = part(blip.VisionModel(v), "vision_model.")
        reader = part(blip.TextModel(t, v["hidden_size"]), "text_encoder.")
        answerer = part(blip.TextModel(t, t["hidden_size"]), "text_decoder.bert.")
        head = part(blip.Predictions(t), "text_decoder.cls.predictions.")
        for c in exp["cases"]:
            if c["mode"] != "greedy":
                continue
            im = exp["images"][c["image"]]
            px = torch.from_numpy(np.fromfile("%s/%s" % (d, im["pixel_values"]), "<f4")).view(1, *im["shape"]).double()
            q = torch.tensor([c["input_ids"]])
            states = reader(q, reader.cross_states(vision(px)))
            ids = torch.tensor([c["ids"][:-1]])
            x = answerer(ids, answerer.cross_states(states), blip.causal(ids.shape[1]).double())
            logits = head(x, stored["text_decoder.bert.embeddings.word_embeddings.weight"])[0]
            want = np.fromfile("%s/%s" % (d, c["step_logits"]), "<f4").reshape(c["step_logits_shape"])
            worst["answer logits"] = max(worst.get("answer logits", 0), largest(logits[-len(want):], want))
    for name, value in worst.items():
        print("%-15s largest difference %.1e" % (name, value))
    return 1 if max(worst.values()) > 1e-5 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
