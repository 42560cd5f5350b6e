"""The reader's and the captioner's pass over all texts of a batch without computing on padding.

Texts differ a lot in length, and a third of a padded batch would be padding. Everything but the attention itself works
on one list of tokens; for attention the tokens are laid out by text, or by picture, and taken back. Gives what
blip.Blip's own methods give (tests: check() below).
"""
import torch
import torch.nn.functional as F

import blip


class Move(torch.autograd.Function):
    """Rows of x in another order; where `there` is len(x), a row of zeros. `back` is the inverse."""
    @staticmethod
    def forward(ctx, x, there, back):
        ctx.save_for_backward(there, back)
        return torch.cat([x, x.new_zeros(1, x.shape[1])]).index_select(0, there)

    @staticmethod
    def backward(ctx, g):
        there, back = ctx.saved_tensors
        return torch.cat([g, g.new_zeros(1, g.shape[1])]).index_select(0, back), None, None


class Layout:
    """Where each token of a list stands in an array of n places."""
    def __init__(self, places, n):
        self.places = places
        self.inverse = torch.full((n,), len(places))
        self.inverse[places] = torch.arange(len(places))

    def spread(self, x):
        return Move.apply(x, self.inverse, self.places)

    def collect(self, x):
        return Move.apply(x, self.places, self.inverse)


def self_attention(layer, x, layout, rows, n, mask):
    a = layer.attention.self
    h, w = a.heads, x.shape[1]
    d = w // h
    weight = torch.cat([a.query.weight * d ** -0.5, a.key.weight, a.value.weight])
    bias = torch.cat([a.query.bias * d ** -0.5, a.key.bias, a.value.bias])
    q, k, v = layout.spread(F.linear(x, weight, bias)).view(rows, n, 3, h, d).permute(2, 0, 3, 1, 4)
    y = torch.matmul((torch.matmul(q, k.transpose(2, 3)) + mask).softmax(-1), v)
    return layout.collect(y.transpose(1, 2).reshape(rows * n, w))


def texts(model, cross, reads, caption):
    """reads [b,t,n], caption [b,m]; -> reader's states spread to [b,t,n,w], captioner's states of the caption tokens
    that are no padding, their places in caption.flatten(), those of the reader's tokens in reads.flatten(), by layer
    what the first head looks at: [tokens of the reader, then of the captioner; image states], and by layer the states
    of the reader's tokens."""
    b, t, n = reads.shape
    m = caption.shape[1]
    flat, cap = reads.reshape(-1), caption.reshape(-1)
    at_r, at_c = (flat > 0).nonzero()[:, 0], (cap > 0).nonzero()[:, 0]
    by_text, by_caption = Layout(at_r, b * t * n), Layout(at_c, b * m)
    owner = torch.cat([at_r // (t * n), at_c // m])            # the picture of each token
    order = torch.argsort(owner * len(owner) + torch.arange(len(owner)))
    count = torch.bincount(owner, minlength=b)
    rank = torch.empty_like(owner)
    rank[order] = torch.arange(len(owner)) - (count.cumsum(0) - count)[owner[order]]
    most = int(count.max())
    by_picture = Layout(owner * most + rank, b * most)
    mask_r, mask_c = blip.padding(reads.reshape(b * t, n)), blip.causal(m)

    e = model.reader.embeddings
    ids, place = torch.cat([flat[at_r], cap[at_c]]), torch.cat([at_r % n, at_c % m])
    x = e.LayerNorm(F.embedding(ids, e.word_embeddings.weight) + F.embedding(place, e.position_embeddings.weight))
    heads = model.reader.encoder.layer[0].attention.self.heads
    w, looks, states = x.shape[1], [], []
    for i, (read, write) in enumerate(zip(model.reader.encoder.layer, model.captioner.encoder.layer)):
        r, c = x[:len(at_r)], x[len(at_r):]
        r = read.attention.output(self_attention(read, r, by_text, b * t, n, mask_r), r)
        c = write.attention.output(self_attention(write, c, by_caption, b, m, mask_c), c)
        x = torch.cat([r, c])
        a = read.crossattention
        q = by_picture.spread(a.self.query(x) * (w // heads) ** -0.5).view(b, most, heads, w // heads).transpose(1, 2)
        k, v = cross[i]
        weight = torch.matmul(q, k.transpose(2, 3)).softmax(-1)
        looks.append(by_picture.collect(weight[:, 0].reshape(b * most, -1)))
        y = torch.matmul(weight, v)
        x = a.output(by_picture.collect(y.transpose(1, 2).reshape(b * most, w)), x)
        x = read.feed(x)
        states.append(x[:len(at_r)])
    return by_text.spread(x[:len(at_r)]).view(b, t, n, w), x[len(at_r):], at_c, at_r, looks, states


def check(model, image, reads, caption):
    """Largest differences from the plain way, on real tokens."""
    cross = model.reader.cross_states(image)
    packed, written, at, _, _, _ = texts(model, cross, reads, caption)
    worst = 0.0
    for j in range(reads.shape[1]):
        plain = model.reader(reads[:, j], cross, blip.padding(reads[:, j]))
        worst = max(worst, ((plain - packed[:, j]) * (reads[:, j] > 0)[..., None]).abs().max().item())
    plain = model.captioner(caption, cross, blip.causal(caption.shape[1])).flatten(0, 1)[at]
    return worst, (plain - written).abs().max().item()
