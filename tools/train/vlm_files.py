"""The three directories of the demo VLM, as the Hugging Face classes of BLIP read them, from the training model and back."""
import json
import os

import numpy as np
import torch

import blip
import hf_files
import wordpiece

ARCHITECTURES = {"itm": "BlipForImageTextRetrieval", "caption": "BlipForConditionalGeneration",
                 "vqa": "BlipForQuestionAnswering"}


def config(tok, vision, text, embed):
    """vision: (image, patch, width, layers, heads, hidden); text: (positions, width, layers, heads, hidden)."""
    image, patch, vw, vl, vh, vm = vision
    positions, tw, tl, th, tm = text
    return {
        "model_type": "blip", "image_text_hidden_size": embed, "projection_dim": embed, "logit_scale_init_value": 2.6592,
        "initializer_factor": 1.0, "initializer_range": 0.02, "torch_dtype": "float16",
        "text_config": {
            "model_type": "blip_text_model", "vocab_size": tok.size, "hidden_size": tw, "encoder_hidden_size": vw,
            "intermediate_size": tm, "num_hidden_layers": tl, "num_attention_heads": th, "projection_dim": embed,
            "max_position_embeddings": positions, "hidden_act": "gelu", "layer_norm_eps": blip.EPS,
            "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "is_decoder": True,
            "bos_token_id": tok.dec, "eos_token_id": wordpiece.SEP, "sep_token_id": wordpiece.SEP,
            "pad_token_id": wordpiece.PAD, "max_length": positions},
        "vision_config": {
            "model_type": "blip_vision_model", "image_size": image, "patch_size": patch, "hidden_size": vw,
            "intermediate_size": vm, "num_hidden_layers": vl, "num_attention_heads": vh, "projection_dim": embed,
            "hidden_act": "gelu", "layer_norm_eps": 1e-5, "attention_dropout": 0.0},
    }


def _parts(model, kind):
    """(name on disk, module) of each part of the class."""
    out = [("vision_model.", model.vision_model)]
    if kind == "itm":
        out += [("text_encoder.", model.reader), ("itm_head.", model.itm_head), ("vision_proj.", model.vision_proj),
                ("text_proj.", model.text_proj)]
    elif kind == "caption":
        out += [("text_decoder.bert.", model.captioner), ("text_decoder.cls.predictions.", model.head)]
    else:
        out += [("text_encoder.", model.reader), ("text_decoder.bert.", model.answerer),
                ("text_decoder.cls.predictions.", model.answer_head)]
    return out


def tensors(model, kind):
    out = {prefix + n: v for prefix, part in _parts(model, kind) for n, v in part.state_dict().items()}
    if kind != "itm":
        out["text_decoder.cls.predictions.decoder.weight"] = model.words().detach()
    return out


def save(directory, model, cfg, tok):
    for kind, name in ARCHITECTURES.items():
        d = os.path.join(directory, kind)
        os.makedirs(d, exist_ok=True)
        files = {
            "config.json": dict({"architectures": [name]}, **cfg),
            "preprocessor_config.json": {
                "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
                "image_mean": hf_files.MEAN, "image_std": hf_files.STD, "image_processor_type": "BlipImageProcessor",
                "processor_class": "BlipProcessor", "resample": 3, "rescale_factor": 1 / 255,
                "size": {"height": cfg["vision_config"]["image_size"], "width": cfg["vision_config"]["image_size"]}},
        }
        for file, content in files.items():
            with open("%s/%s" % (d, file), "w") as f:
                json.dump(content, f, indent=2)
                f.write("\n")
        wordpiece.save(tok, d, cfg["text_config"]["max_position_embeddings"])
        hf_files.write_safetensors(d + "/model.safetensors",
                                   {k: v.detach().cpu().numpy() for k, v in tensors(model, kind).items()})


def load(directory, kind):
    """-> (model with only the parts of that class filled in, config, tokenizer), from files alone."""
    d = os.path.join(directory, kind)
    cfg = json.load(open(d + "/config.json"))
    assert cfg["architectures"] == [ARCHITECTURES[kind]], cfg["architectures"]
    model = blip.Blip(cfg)
    stored = hf_files.read_safetensors(d + "/model.safetensors")
    for prefix, part in _parts(model, kind):
        part.load_state_dict({n: torch.from_numpy(np.array(stored.pop(prefix + n), np.float32))
                              for n in part.state_dict()})
    if kind != "itm":
        words = torch.from_numpy(np.array(stored.pop("text_decoder.cls.predictions.decoder.weight"), np.float32))
        assert (words == model.words()).all(), "the output matrix is not the word embeddings"
    assert not stored, sorted(stored)
    return model.eval(), cfg, wordpiece.load(d)
