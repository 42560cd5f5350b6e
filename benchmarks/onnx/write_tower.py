#!/usr/bin/env python3
"""Writes the image tower of a model directory of `bench_encoder --write` as an ONNX graph.

    write_tower.py SIZE MODEL_DIRECTORY OUT.onnx [--fused | --int8]

Inputs "pixels" [N][3][S][S], outputs "embedding" [N][E], opset 17, f32, as PyTorch's exporter
would write it, with the products of queries, keys and values made one. --fused: attention as
ONNX Runtime's own operator (com.microsoft.MultiHeadAttention), which its offline optimiser writes.
--int8: products of tokens quantised dynamically, weights by columns, as its own quantiser does;
convolutions stay as they are.
"""
import math
import sys

from onnx_file import FLOAT, INT8, Graph, Safetensors


class Tower:
    def __init__(self, tensors, prefix, eps, variant):
        self.g, self.t, self.prefix, self.eps = Graph(), tensors, prefix, eps
        self.fused, self.int8, self.quantized = variant == "fused", variant == "int8", {}

    def has(self, name):
        return self.prefix + name in self.t

    def shape(self, name):
        return self.t.shape(self.prefix + name)

    def weight(self, name, shape=None):
        """The tensor as it is stored, once."""
        key = ("weight", name)
        if key not in self.g.constants:
            self.g.constants[key] = self.g.tensor(name, shape or self.shape(name), FLOAT,
                                                  self.t.raw(self.prefix + name))
        return self.g.constants[key]

    def joined(self, name, names, shape):
        """Several under each other; None: zeros of a vector."""
        raw = b"".join(
            self.t.raw(self.prefix + n) if n else bytes(4 * shape[0] // len(names)) for n in names)
        return self.g.tensor(name, shape, FLOAT, raw)

    # Layers

    def multiply(self, x, weight):
        """x W^T, W [out][in]. What only constants go into is folded when the graph is loaded."""
        g, weight = self.g, self.g.node("Transpose", weight, perm=[1, 0])
        if not self.int8:
            return g.node("MatMul", x, weight)
        largest = g.node("ReduceMax", g.node("Abs", weight), axes=[0], keepdims=0)
        scale = g.node("Div", largest, g.scalar(127.0))
        whole = g.node("Cast", g.node("Round", g.node("Div", weight, scale)), to=INT8)
        if x not in self.quantized:
            self.quantized[x] = g.node("DynamicQuantizeLinear", x, outputs=3)
        bytes_of_x, scale_of_x, zero_of_x = self.quantized[x]
        sums = g.node("MatMulInteger", bytes_of_x, whole, zero_of_x)
        return g.node("Mul", g.node("Cast", sums, to=FLOAT), g.node("Mul", scale_of_x, scale))

    def linear(self, x, name, bias=True):
        y = self.multiply(x, self.weight(name + ".weight"))
        return self.g.node("Add", y, self.weight(name + ".bias")) if bias else y

    def norm(self, x, name):
        return self.g.node("LayerNormalization", x, self.weight(name + ".weight"),
                           self.weight(name + ".bias"), axis=-1, epsilon=self.eps)

    def gelu(self, x):
        g = self.g
        erf = g.node("Erf", g.node("Div", x, g.scalar(math.sqrt(2.0))))
        return g.node("Mul", g.node("Mul", x, g.node("Add", erf, g.scalar(1.0))), g.scalar(0.5))

    def quick_gelu(self, x):
        g = self.g
        return g.node("Mul", x, g.node("Sigmoid", g.node("Mul", x, g.scalar(1.702))))

    def silu(self, x):
        return self.g.node("Mul", x, self.g.node("Sigmoid", x))

    def convolution(self, x, name, stride=1, groups=1, bias=False, batch_norm=None):
        kernel = self.shape(name + ".weight")[2]
        pad = kernel // 2 if kernel % 2 else 0
        inputs = [x, self.weight(name + ".weight")]
        if bias:
            inputs.append(self.weight(name + ".bias"))
        y = self.g.node("Conv", *inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                        pads=[pad] * 4, group=groups)
        return self.batch_norm(y, batch_norm) if batch_norm else y

    def batch_norm(self, x, name):
        parts = [self.weight("%s.%s" % (name, p))
                 for p in ("weight", "bias", "running_mean", "running_var")]
        return self.g.node("BatchNormalization", x, *parts, epsilon=1e-5)

    def patches(self, x, name, bias):
        """[N][tokens][width]"""
        weight = self.weight(name + ".weight")
        width, _, patch, _ = self.shape(name + ".weight")
        inputs = [x, weight] + ([self.weight(name + ".bias")] if bias else [])
        y = self.g.node("Conv", *inputs, kernel_shape=[patch] * 2, strides=[patch] * 2)
        y = self.g.node("Reshape", y, self.g.ints(0, width, -1))
        return self.g.node("Transpose", y, perm=[0, 2, 1])

    def with_class_token(self, x, name, width):
        token = self.g.node("Reshape", self.weight(name), self.g.ints(1, 1, width))
        shape = self.g.node("Concat", self.g.node("Shape", x, start=0, end=1),
                            self.g.ints(1, width), axis=0)
        return self.g.node("Concat", self.g.node("Expand", token, shape), x, axis=1)

    def token(self, x, which=0):
        """[N][width]"""
        y = self.g.node("Slice", x, self.g.ints(which), self.g.ints(which + 1), self.g.ints(1))
        return self.g.node("Squeeze", y, self.g.ints(1))

    def attend(self, q, k, v, heads, width, rotary=None):
        """[N][tokens][width] each."""
        g, head = self.g, width // heads

        def by_heads(x, turned):
            x = g.node("Reshape", x, g.ints(0, -1, heads, head))
            if not turned or not rotary:
                return g.node("Transpose", x, perm=[0, 2, 1, 3])
            return self.rotate(g.node("Transpose", x, perm=[0, 2, 1, 3]), rotary, head)

        def back(x):
            x = g.node("Transpose", x, perm=[0, 2, 1, 3])
            return g.node("Reshape", x, g.ints(0, -1, width))

        if self.fused:
            if rotary:
                q, k = back(by_heads(q, True)), back(by_heads(k, True))
            return g.node("MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=heads)
        q = g.node("Mul", by_heads(q, True), g.scalar(1.0 / math.sqrt(head)))
        k = g.node("Transpose", by_heads(k, True), perm=[0, 1, 3, 2])
        scores = g.node("Softmax", g.node("MatMul", q, k), axis=-1)
        return back(g.node("MatMul", scores, by_heads(v, False)))

    def rotate(self, x, rotary, head):
        """Pairs of neighbours turn; tables [tokens][head]."""
        g = self.g
        end, last, step = g.ints(head), g.ints(-1), g.ints(2)
        even = g.node("Slice", x, g.ints(0), end, last, step)
        odd = g.node("Slice", x, g.ints(1), end, last, step)
        pair = g.node("Concat", g.node("Unsqueeze", g.node("Neg", odd), last),
                      g.node("Unsqueeze", even, last), axis=-1)
        turned = g.node("Reshape", pair, g.node("Shape", x))
        return g.node("Add", g.node("Mul", x, rotary[0]), g.node("Mul", turned, rotary[1]))

    def self_attention(self, x, weight, bias, heads, width, rotary=None):
        g = self.g
        qkv = g.node("Add", self.multiply(x, weight), bias)
        q, k, v = g.node("Split", qkv, g.ints(width, width, width), outputs=3, axis=-1)
        return self.attend(q, k, v, heads, width, rotary)

    def add(self, x, y):
        return self.g.node("Add", x, y)


# Families


def clip_vit(t, x, heads):
    prefix = "vision_model."
    width = t.shape(prefix + "embeddings.class_embedding")[0]
    x = t.patches(x, prefix + "embeddings.patch_embedding", False)
    x = t.with_class_token(x, prefix + "embeddings.class_embedding", width)
    x = t.add(x, t.weight(prefix + "embeddings.position_embedding.weight"))
    x = t.norm(x, prefix + "pre_layrnorm")
    layer = 0
    while t.has("%sencoder.layers.%d.mlp.fc1.weight" % (prefix, layer)):
        stem = "%sencoder.layers.%d." % (prefix, layer)
        parts = [stem + "self_attn.%s_proj" % p for p in "qkv"]
        weight = t.joined(stem + "qkv.weight", [p + ".weight" for p in parts], [3 * width, width])
        bias = t.joined(stem + "qkv.bias", [p + ".bias" for p in parts], [3 * width])
        y = t.self_attention(t.norm(x, stem + "layer_norm1"), weight, bias, heads, width)
        x = t.add(x, t.linear(y, stem + "self_attn.out_proj"))
        y = t.linear(t.norm(x, stem + "layer_norm2"), stem + "mlp.fc1")
        x = t.add(x, t.linear(t.quick_gelu(y), stem + "mlp.fc2"))
        layer += 1
    x = t.norm(t.token(x), prefix + "post_layernorm")
    return t.linear(x, "visual_projection", bias=False)


def rotary_tables(t, grid, head, reference, offset, row_first, class_token):
    cosines, sines, quarter = [], [], head // 4
    if class_token:
        cosines += [1.0] * head
        sines += [0.0] * head
    for patch in range(grid * grid):
        row = (patch // grid + offset) / grid * reference
        column = (patch % grid + offset) / grid * reference
        for d in range(head):
            pair = d // 2
            coordinate = row if (pair < quarter) == row_first else column
            angle = coordinate / 10000.0 ** (pair % quarter / quarter)
            cosines.append(math.cos(angle))
            sines.append(math.sin(angle))
    shape = [grid * grid + (1 if class_token else 0), head]
    return t.g.floats("cosines", shape, cosines), t.g.floats("sines", shape, sines)


def attention_pool(t, x, stem, heads, width):
    q = t.linear(t.weight(stem + "latent"), stem + "q")
    kv = t.linear(x, stem + "kv")
    k, v = t.g.node("Split", kv, t.g.ints(width, width), outputs=2, axis=-1)
    if t.fused:  # which wants a query for each picture
        shape = t.g.node("Concat", t.g.node("Shape", x, start=0, end=1), t.g.ints(1, width),
                         axis=0)
        q = t.g.node("Expand", q, shape)
    x = t.linear(t.attend(q, k, v, heads, width), stem + "proj")
    y = t.linear(t.norm(x, stem + "norm"), stem + "mlp.fc1")
    return t.add(x, t.linear(t.gelu(y), stem + "mlp.fc2"))


def timm_vit(t, x, heads, reference=None, offset=0, row_first=True, pool_heads=None):
    width, _, patch, _ = t.shape("patch_embed.proj.weight")
    grid, classed = 224 // patch, t.has("cls_token")
    x = t.patches(x, "patch_embed.proj", t.has("patch_embed.proj.bias"))
    if classed:
        x = t.with_class_token(x, "cls_token", width)
    x = t.add(x, t.weight("pos_embed"))
    if t.has("norm_pre.weight"):
        x = t.norm(x, "norm_pre")
    rotary = None
    if reference:
        rotary = rotary_tables(t, grid, width // heads, reference, offset, row_first, classed)
    layer = 0
    while t.has("blocks.%d.norm1.weight" % layer):
        stem = "blocks.%d." % layer
        if t.has(stem + "attn.qkv.weight"):
            weight, bias = t.weight(stem + "attn.qkv.weight"), t.weight(stem + "attn.qkv.bias")
        else:
            parts = [stem + "attn.%s_proj" % p for p in "qkv"]
            weight = t.joined(stem + "qkv.weight", [p + ".weight" for p in parts],
                              [3 * width, width])
            bias = t.joined(stem + "qkv.bias",
                            [p + ".bias" if t.has(p + ".bias") else None for p in parts],
                            [3 * width])
        y = t.self_attention(t.norm(x, stem + "norm1"), weight, bias, heads, width, rotary)
        if t.has(stem + "attn.norm.weight"):
            y = t.norm(y, stem + "attn.norm")
        x = t.add(x, t.linear(y, stem + "attn.proj"))
        y = t.norm(x, stem + "norm2")
        if t.has(stem + "mlp.fc1_g.weight"):
            gate = t.silu(t.linear(y, stem + "mlp.fc1_g"))
            y = t.norm(t.g.node("Mul", gate, t.linear(y, stem + "mlp.fc1_x")), stem + "mlp.norm")
        else:
            y = t.gelu(t.linear(y, stem + "mlp.fc1"))
        x = t.add(x, t.linear(y, stem + "mlp.fc2"))
        layer += 1
    x = t.norm(x, "norm") if pool_heads else t.norm(t.token(x), "norm")
    if pool_heads:
        x = t.g.node("Squeeze", attention_pool(t, x, "attn_pool.", pool_heads, width), t.g.ints(1))
    return t.linear(x, "head") if t.has("head.weight") else x


def resnet(t, x, head):
    g = t.g

    def relu(y):
        return g.node("Relu", y)

    def average(y):
        return g.node("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])

    for i in (1, 2, 3):
        x = relu(t.convolution(x, "conv%d" % i, 2 if i == 1 else 1, batch_norm="bn%d" % i))
    x = average(x)
    for layer in range(1, 5):
        i = 0
        while t.has("layer%d.%d.conv1.weight" % (layer, i)):
            stem = "layer%d.%d." % (layer, i)
            halves = layer > 1 and i == 0
            y = relu(t.convolution(x, stem + "conv1", batch_norm=stem + "bn1"))
            y = relu(t.convolution(y, stem + "conv2", batch_norm=stem + "bn2"))
            y = t.convolution(average(y) if halves else y, stem + "conv3", batch_norm=stem + "bn3")
            if i == 0:
                x = t.convolution(average(x) if halves else x, stem + "downsample.0",
                                  batch_norm=stem + "downsample.1")
            x = relu(t.add(y, x))
            i += 1
    width = t.shape("attnpool.q_proj.weight")[0]
    x = g.node("Transpose", g.node("Reshape", x, g.ints(0, width, -1)), perm=[0, 2, 1])
    mean = g.node("ReduceMean", x, axes=[1], keepdims=1)
    x = g.node("Concat", mean, x, axis=1)
    x = t.add(x, t.weight("attnpool.positional_embedding"))
    query = g.node("Slice", x, g.ints(0), g.ints(1), g.ints(1))
    y = t.attend(*[t.linear(query if p == "q" else x, "attnpool.%s_proj" % p) for p in "qkv"],
                 heads=width // head, width=width)
    return t.linear(g.node("Squeeze", y, g.ints(1)), "attnpool.c_proj")


def mobileclip(t, x, head):
    g = t.g

    def squeeze(y, stem):
        mean = g.node("GlobalAveragePool", y)
        gate = g.node("Relu", t.convolution(mean, stem + ".se.fc1", bias=True))
        gate = g.node("Sigmoid", t.convolution(gate, stem + ".se.fc2", bias=True))
        return g.node("Mul", y, gate)

    def folded(y, stem, stride=1, groups=1):
        return t.convolution(y, stem + ".reparam_conv", stride, groups, bias=True)

    def attention(y, stem, width):
        side = y
        y = g.node("Transpose", g.node("Reshape", y, g.ints(0, width, -1)), perm=[0, 2, 1])
        qkv = t.multiply(y, t.weight(stem + "qkv.weight"))
        q, k, v = g.node("Split", qkv, g.ints(width, width, width), outputs=3, axis=-1)
        y = t.linear(t.attend(q, k, v, width // head, width), stem + "proj")
        return g.node("Reshape", g.node("Transpose", y, perm=[0, 2, 1]), g.node("Shape", side))

    x = t.gelu(folded(x, "stem.0", 2))
    width = t.shape("stem.1.reparam_conv.weight")[0]
    x = t.gelu(folded(x, "stem.1", 2, width))
    x = t.gelu(folded(x, "stem.2"))
    stage = 0
    while t.has("stages.%d.blocks.0.mlp.fc1.weight" % stage):
        prefix = "stages.%d." % stage
        if stage:
            stem = prefix + "downsample.proj.0"
            x = folded(x, stem, 2, width)
            if t.has(stem + ".se.fc1.weight"):
                x = squeeze(x, stem)
            x = t.gelu(x)
            x = t.gelu(folded(x, prefix + "downsample.proj.1"))
            width = t.shape(prefix + "downsample.proj.1.reparam_conv.weight")[0]
        if t.has(prefix + "pos_emb.reparam_conv.weight"):
            x = folded(x, prefix + "pos_emb", 1, width)
        i = 0
        while t.has("%sblocks.%d.mlp.fc1.weight" % (prefix, i)):
            stem = "%sblocks.%d." % (prefix, i)
            scale = "layer_scale"
            if t.has(stem + "token_mixer.qkv.weight"):
                y = attention(t.batch_norm(x, stem + "norm"), stem + "token_mixer.", width)
                x = t.add(x, g.node("Mul", y, t.weight(stem + "layer_scale_1.gamma")))
                scale = "layer_scale_2"
            else:
                x = folded(x, stem + "token_mixer", 1, width)
            y = t.convolution(x, stem + "mlp.conv.conv", groups=width,
                              batch_norm=stem + "mlp.conv.bn")
            y = t.gelu(t.convolution(y, stem + "mlp.fc1", bias=True))
            y = t.convolution(y, stem + "mlp.fc2", bias=True)
            x = t.add(x, g.node("Mul", y, t.weight(stem + scale + ".gamma")))
            i += 1
        stage += 1
    x = t.gelu(squeeze(folded(x, "final_conv", 1, width), "final_conv"))
    x = g.node("Squeeze", g.node("GlobalAveragePool", x), g.ints(2, 3))
    return t.linear(x, "head.fc")


HF, TIMM, OPENAI = "", "visual.trunk.", "visual."
# Prefix of the tensors, pixels, epsilon of layer norms, the tower.
SIZES = {
    "b32": (HF, 224, 1e-5, lambda t, x: clip_vit(t, x, 12)),
    "l14": (HF, 224, 1e-5, lambda t, x: clip_vit(t, x, 16)),
    "rn50": (OPENAI, 224, 1e-5, lambda t, x: resnet(t, x, 64)),
    "siglip2-b16": (TIMM, 224, 1e-6, lambda t, x: timm_vit(t, x, 12, pool_heads=12)),
    "eva02-b16": (TIMM, 224, 1e-6, lambda t, x: timm_vit(t, x, 12, reference=16)),
    "pe-core-b16": (TIMM, 224, 1e-5, lambda t, x: timm_vit(
        t, x, 12, reference=14, offset=1, row_first=False, pool_heads=8)),
    "mobileclip-s0": (TIMM, 256, 1e-5, lambda t, x: mobileclip(t, x, 32)),
    "mobileclip-s2": (TIMM, 256, 1e-5, lambda t, x: mobileclip(t, x, 32)),
}


def write_tower(size, directory, path, variant="plain"):
    prefix, side, eps, build = SIZES[size]
    tensors = Safetensors(directory)
    t = Tower(tensors, prefix, eps, variant)
    embedding = t.g.node("Identity", build(t, "pixels"))
    left = tensors.unread(("vision_model.", "visual"))
    if left:
        raise SystemExit("%s: tensors that the graph does not use: %s" % (size, left[:5]))
    t.g.write(path, [("pixels", ["N", 3, side, side])], [(embedding, ["N", "E"])])


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in SIZES:
        raise SystemExit(__doc__ + "\nSIZE: " + ", ".join(SIZES))
    write_tower(*sys.argv[1:4], *[a[2:] for a in sys.argv[4:5]])
