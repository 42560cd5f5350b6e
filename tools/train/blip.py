"""BLIP in the published Hugging Face layout: the module names below are the tensor names on disk.

Vision transformer, BERT text encoder with cross-attention (`TextModel`), decoder with a language-model head
(`Decoder`). One training model (`Blip`) holds the parts of the three published classes; what each of them takes from
it is in vlm_files.py.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-12


# ---------------------------------------------------------------- vision

class VisionAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, n, w = x.shape
        h, d = self.heads, w // self.heads
        q, k, v = self.qkv(x).view(b, n, 3, h, d).permute(2, 0, 3, 1, 4).reshape(3, b * h, n, d)
        a = torch.bmm(q * d ** -0.5, k.transpose(1, 2)).softmax(-1)
        return self.projection(torch.bmm(a, v).view(b, h, n, d).transpose(1, 2).reshape(b, n, w))


class VisionMlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class VisionLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        w, eps = c["hidden_size"], c["layer_norm_eps"]
        self.self_attn = VisionAttention(w, c["num_attention_heads"])
        self.layer_norm1 = nn.LayerNorm(w, eps=eps)
        self.mlp = VisionMlp(w, c["intermediate_size"])
        self.layer_norm2 = nn.LayerNorm(w, eps=eps)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class VisionEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        w, p = c["hidden_size"], c["patch_size"]
        self.patch = p
        self.class_embedding = nn.Parameter(torch.randn(1, 1, w) * 0.02)
        self.patch_embedding = nn.Conv2d(3, w, p, p)
        self.position_embedding = nn.Parameter(torch.randn(1, (c["image_size"] // p) ** 2 + 1, w) * 0.02)

    def forward(self, pixels):
        b, c, s, _ = pixels.shape
        p, g = self.patch, s // self.patch     # cut into patches by hand: one matrix product, faster than a conv
        x = pixels.view(b, c, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b, g * g, c * p * p)
        x = F.linear(x, self.patch_embedding.weight.flatten(1), self.patch_embedding.bias)
        return torch.cat([self.class_embedding.expand(b, 1, -1), x], 1) + self.position_embedding


class VisionModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings = VisionEmbeddings(c)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(VisionLayer(c) for _ in range(c["num_hidden_layers"]))
        self.post_layernorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])

    def forward(self, pixels):
        x = self.embeddings(pixels)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.post_layernorm(x)


# ---------------------------------------------------------------- text

class SelfAttention(nn.Module):
    """query, key, value of BERT; key and value read `source` wide states."""
    def __init__(self, width, heads, source):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(source, width), nn.Linear(source, width)

    def split(self, x):
        b, n, w = x.shape
        return x.view(b, n, self.heads, w // self.heads).transpose(1, 2)

    def states(self, source):
        """Keys and values of what is attended to: computed once, used for every text."""
        return self.split(self.key(source)), self.split(self.value(source))

    def forward(self, x, states=None, mask=None):
        k, v = states or self.states(x)
        q = self.split(self.query(x) * (x.shape[2] // self.heads) ** -0.5)
        a = torch.matmul(q, k.transpose(2, 3))
        if mask is not None:
            a = a + mask
        return torch.matmul(a.softmax(-1), v).transpose(1, 2).reshape(x.shape)


class Output(nn.Module):
    def __init__(self, wide, width):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(wide, width), nn.LayerNorm(width, eps=EPS)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class Attention(nn.Module):
    def __init__(self, width, heads, source):
        super().__init__()
        self.self, self.output = SelfAttention(width, heads, source), Output(width, width)

    def forward(self, x, states=None, mask=None):
        return self.output(self.self(x, states, mask), x)


class Dense(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.dense = nn.Linear(a, b)


class TextLayer(nn.Module):
    def __init__(self, c, source):
        super().__init__()
        w, h = c["hidden_size"], c["num_attention_heads"]
        self.attention, self.crossattention = Attention(w, h, w), Attention(w, h, source)
        self.intermediate, self.output = Dense(w, c["intermediate_size"]), Output(c["intermediate_size"], w)

    def feed(self, x):
        return self.output(F.gelu(self.intermediate.dense(x)), x)


class TextEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        w = c["hidden_size"]
        self.word_embeddings = nn.Embedding(c["vocab_size"], w)
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], w)
        self.LayerNorm = nn.LayerNorm(w, eps=EPS)

    def forward(self, ids):
        return self.LayerNorm(self.word_embeddings(ids) + self.position_embeddings.weight[:ids.shape[-1]])


class TextModel(nn.Module):
    """source: width of the states that cross-attention reads."""
    def __init__(self, c, source):
        super().__init__()
        self.embeddings = TextEmbeddings(c)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(TextLayer(c, source) for _ in range(c["num_hidden_layers"]))

    def cross_states(self, source):
        return [layer.crossattention.self.states(source) for layer in self.encoder.layer]

    def forward(self, ids, cross=None, mask=None, cross_mask=None):
        x = self.embeddings(ids)
        for i, layer in enumerate(self.encoder.layer):
            x = layer.attention(x, mask=mask)
            if cross is not None:
                x = layer.crossattention(x, cross[i], cross_mask)
            x = layer.feed(x)
        return x


class Transform(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(w, w), nn.LayerNorm(w, eps=EPS)


class Predictions(nn.Module):
    """The language-model head. `decoder.weight` is the word embeddings while training, written out at export."""
    def __init__(self, c):
        super().__init__()
        self.transform = Transform(c["hidden_size"])
        self.bias = nn.Parameter(torch.zeros(c["vocab_size"]))

    def forward(self, x, words):
        return F.linear(self.transform.LayerNorm(F.gelu(self.transform.dense(x))), words, self.bias)


def causal(n):
    return torch.full((n, n), float("-inf")).triu(1)


def padding(ids):
    """Additive mask [b, 1, 1, n] for padded keys."""
    return ((ids == 0).float() * -1e4)[:, None, None, :]


class Blip(nn.Module):
    """All parts. Reader (image-text matching, questions) and captioner share all weights but those of self-attention,
    as BLIP does in pre-training; the decoder of answers is its own.
    """
    def __init__(self, config):
        super().__init__()
        t, v, e = config["text_config"], config["vision_config"], config["image_text_hidden_size"]
        w = t["hidden_size"]
        self.config = config
        self.vision_model = VisionModel(v)
        self.reader, self.captioner = TextModel(t, v["hidden_size"]), TextModel(t, v["hidden_size"])
        self.answerer = TextModel(t, w)
        for mine, shared in zip(self.captioner.encoder.layer, self.reader.encoder.layer):
            mine.crossattention, mine.intermediate, mine.output = shared.crossattention, shared.intermediate, shared.output
        self.captioner.embeddings = self.answerer.embeddings = self.reader.embeddings
        self.head, self.answer_head = Predictions(t), Predictions(t)
        self.itm_head = nn.Linear(w, 2)
        self.vision_proj, self.text_proj = nn.Linear(v["hidden_size"], e), nn.Linear(w, e)
        for part in (self.reader, self.captioner, self.answerer, self.head, self.answer_head, self.itm_head):
            part.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.6 * m.in_features ** -0.5)
            nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Embedding):
            nn.init.normal_(m.weight, std=0.04)

    def words(self):
        return self.reader.embeddings.word_embeddings.weight

    # One picture at a time with its texts; `image` is what vision_model returned for b pictures, ids [b, n].

    def match(self, image, ids):
        x = self.reader(ids, self.reader.cross_states(image), padding(ids))
        return self.itm_head(x[:, 0])

    def itc_text(self, ids):
        return F.normalize(self.text_proj(self.reader(ids, None, padding(ids))[:, 0]), dim=-1)

    def itc_image(self, image):
        return F.normalize(self.vision_proj(image[:, 0]), dim=-1)

    def caption_logits(self, image, ids):
        x = self.captioner(ids, self.captioner.cross_states(image), causal(ids.shape[1]))
        return self.head(x, self.words())

    def question_states(self, image, ids):
        return self.reader(ids, self.reader.cross_states(image), padding(ids))

    def answer_logits(self, states, question_ids, ids):
        x = self.answerer(ids, self.answerer.cross_states(states), causal(ids.shape[1]), padding(question_ids))
        return self.answer_head(x, self.words())
