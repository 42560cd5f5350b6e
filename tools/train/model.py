"""CLIP in the published Hugging Face layout: the module names below are the tensor names on disk."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, mask):
        b, n, w = x.shape
        h, d = self.heads, w // self.heads
        scale = d ** -0.5                                   # on the small weights, not on the large activations
        qkv = F.linear(x, torch.cat([self.q_proj.weight * scale, self.k_proj.weight, self.v_proj.weight]),
                       torch.cat([self.q_proj.bias * scale, self.k_proj.bias, self.v_proj.bias]))
        q, k, v = qkv.view(b, n, 3, h, d).permute(2, 0, 3, 1, 4).reshape(3, b * h, n, d)
        if mask is None:
            a = torch.bmm(q, k.transpose(1, 2))
        else:
            a = torch.baddbmm(mask, q, k.transpose(1, 2))
        y = torch.bmm(a.softmax(-1), v)
        return self.out_proj(y.view(b, h, n, d).transpose(1, 2).reshape(b, n, w))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        # quick_gelu(x) = x * sigmoid(1.702 x) = silu(1.702 x) / 1.702, both factors moved into the weights
        x = F.silu(F.linear(x, self.fc1.weight * 1.702, self.fc1.bias * 1.702))
        return F.linear(x, self.fc2.weight * (1 / 1.702), self.fc2.bias)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        w = c["hidden_size"]
        self.self_attn = Attention(w, c["num_attention_heads"])
        self.layer_norm1 = nn.LayerNorm(w, eps=1e-5)
        self.mlp = Mlp(w, c["intermediate_size"])
        self.layer_norm2 = nn.LayerNorm(w, eps=1e-5)

    def forward(self, x, mask=None):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return x


class VisionEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        w, p = c["hidden_size"], c["patch_size"]
        self.patch = p
        self.class_embedding = nn.Parameter(torch.randn(w) * 0.02)
        self.patch_embedding = nn.Conv2d(3, w, p, p, bias=False)
        self.position_embedding = nn.Embedding((c["image_size"] // p) ** 2 + 1, w)

    def forward(self, pixels):
        b, c, s, _ = pixels.shape
        p, g = self.patch, s // self.patch     # cut into patches by hand: one matrix product, faster than a conv
        x = pixels.view(b, c, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b, g * g, c * p * p)
        x = F.linear(x, self.patch_embedding.weight.flatten(1))
        x = torch.cat([self.class_embedding.expand(b, 1, -1), x], 1)
        return x + self.position_embedding.weight


class VisionModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings = VisionEmbeddings(c)
        self.pre_layrnorm = nn.LayerNorm(c["hidden_size"], eps=1e-5)
        self.encoder = Encoder(c)
        self.post_layernorm = nn.LayerNorm(c["hidden_size"], eps=1e-5)

    def forward(self, pixels):
        x = self.encoder(self.pre_layrnorm(self.embeddings(pixels)))
        return self.post_layernorm(x[:, 0]), x[:, 1:]      # pooled, patches


class TextEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.token_embedding = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.position_embedding = nn.Embedding(c["max_position_embeddings"], c["hidden_size"])

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[:ids.shape[1]]


class TextModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.eot = c["vocab_size"] - 1
        self.embeddings = TextEmbeddings(c)
        self.encoder = Encoder(c)
        self.final_layer_norm = nn.LayerNorm(c["hidden_size"], eps=1e-5)

    def forward(self, ids):
        n = ids.shape[1]
        mask = torch.full((n, n), float("-inf"), device=ids.device).triu(1)
        x = self.encoder(self.embeddings(ids), mask)
        first = (ids == self.eot).int().argmax(1)          # padding may be the same id: take the first
        return self.final_layer_norm(x[torch.arange(len(ids), device=ids.device), first])


class CLIP(nn.Module):
    def __init__(self, config):
        super().__init__()
        t, v, e = config["text_config"], config["vision_config"], config["projection_dim"]
        self.text_model, self.vision_model = TextModel(t), VisionModel(v)
        self.visual_projection = nn.Linear(v["hidden_size"], e, bias=False)
        self.text_projection = nn.Linear(t["hidden_size"], e, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))
        self.apply(self._init)
        for tower in (self.text_model, self.vision_model):
            layers = tower.encoder.layers
            for layer in layers:                            # residual branches start small
                for lin in (layer.self_attn.out_proj, layer.mlp.fc2):
                    nn.init.normal_(lin.weight, std=0.5 * lin.in_features ** -0.5 * (2 * len(layers)) ** -0.5)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=m.in_features ** -0.5)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, std=0.02)
        elif isinstance(m, nn.Conv2d):
            nn.init.normal_(m.weight, std=(m.weight[0].numel()) ** -0.5)

    def encode_image(self, pixels):
        return F.normalize(self.visual_projection(self.vision_model(pixels)[0]), dim=-1)

    def encode_text(self, ids):
        return F.normalize(self.text_projection(self.text_model(ids)), dim=-1)
