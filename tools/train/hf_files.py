"""Reads and writes a model directory as published on the hub: safetensors, config and the small JSON files."""
import json
import struct

import numpy as np

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


def write_safetensors(path, tensors):
    """tensors: name -> numpy array; floats are stored as F16."""
    header, offset, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name in sorted(tensors):
        a = np.ascontiguousarray(tensors[name], np.float16) if tensors[name].ndim else np.float16(tensors[name])
        blob = a.tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header, out = json.loads(data[8:8 + n]), {}
    for name, t in header.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(data[8 + n + a:8 + n + b], _DTYPES[t["dtype"]]).reshape(t["shape"])
    return out


def config(vocab_size, vision, text, embed):
    """vision: (image, patch, width, layers, heads); text: (context, width, layers, heads)."""
    image, patch, vw, vl, vh = vision
    context, tw, tl, th = text
    common = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-05, "attention_dropout": 0.0, "projection_dim": embed}
    return {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": embed,
        "logit_scale_init_value": 2.6592, "initializer_factor": 1.0, "torch_dtype": "float16",
        "text_config": dict(common, model_type="clip_text_model", vocab_size=vocab_size, hidden_size=tw,
                            intermediate_size=4 * tw, num_hidden_layers=tl, num_attention_heads=th,
                            max_position_embeddings=context, bos_token_id=vocab_size - 2, eos_token_id=vocab_size - 1,
                            pad_token_id=vocab_size - 1),
        "vision_config": dict(common, model_type="clip_vision_model", hidden_size=vw, intermediate_size=4 * vw,
                              num_hidden_layers=vl, num_attention_heads=vh, image_size=image, patch_size=patch,
                              num_channels=3),
    }


def write_small_files(directory, cfg):
    image, context = cfg["vision_config"]["image_size"], cfg["text_config"]["max_position_embeddings"]
    special = {"content": "", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    sot, eot = dict(special, content="<|startoftext|>"), dict(special, content="<|endoftext|>")
    files = {
        "config.json": cfg,
        "preprocessor_config.json": {
            "crop_size": {"height": image, "width": image}, "do_center_crop": True, "do_convert_rgb": True,
            "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": MEAN,
            "image_processor_type": "CLIPImageProcessor", "image_std": STD, "resample": 3,
            "rescale_factor": 1 / 255, "size": {"shortest_edge": image}},
        "tokenizer_config.json": {
            "add_prefix_space": False, "bos_token": sot, "do_lower_case": True, "eos_token": eot, "errors": "replace",
            "model_max_length": context, "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer",
            "unk_token": eot},
        "special_tokens_map.json": {"bos_token": sot, "eos_token": eot, "pad_token": "<|endoftext|>", "unk_token": eot},
    }
    for name, content in files.items():
        with open("%s/%s" % (directory, name), "w") as f:
            json.dump(content, f, indent=2)
            f.write("\n")


def save_model(directory, model, cfg, tokenizer):
    import bpe
    write_small_files(directory, cfg)
    bpe.save(tokenizer, directory)
    write_safetensors("%s/model.safetensors" % directory,
                      {k: v.detach().cpu().numpy() for k, v in model.state_dict().items()})


def load_model(directory):
    """-> (model in f32 arithmetic on the stored numbers, config, tokenizer)."""
    import torch
    import bpe
    import model as m
    cfg = json.load(open("%s/config.json" % directory))
    clip = m.CLIP(cfg)
    tensors = read_safetensors("%s/model.safetensors" % directory)
    clip.load_state_dict({k: torch.from_numpy(np.array(v, np.float32)) for k, v in tensors.items()
                          if not k.endswith("position_ids")})
    return clip.eval(), cfg, bpe.load(directory)
