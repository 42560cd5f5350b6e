"""Byte-level BPE in CLIP's scheme: a trainer, an encoder, and the two published vocabulary files.

Ids: 256 byte symbols, the same 256 closed with "</w>", one id per merge, then the two specials.
"""
import collections
import json
import re
import unicodedata

SOT, EOT = "<|startoftext|>", "<|endoftext|>"
END = "</w>"


def byte_symbols():
    """A printable stand-in for each byte, in vocabulary order: printable Latin-1 first, then the rest."""
    keep = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    rest = [b for b in range(256) if b not in keep]
    table = {b: chr(b) for b in keep}
    table.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return table


def _kind(ch):
    c = unicodedata.category(ch)[0]
    return c if c in "LN" else ("S" if ch.isspace() else "P")


def split_words(text):
    """Contractions, runs of letters, single digits, runs of anything else that is not white space."""
    out, i = [], 0
    while i < len(text):
        special = next((s for s in (SOT, EOT) if text.startswith(s, i)), None)
        if special:
            out.append(special)
            i += len(special)
            continue
        if text[i] == "'":
            m = re.match(r"'(?:s|t|re|ve|m|ll|d)", text[i:], re.I)
            if m:
                out.append(m.group())
                i += m.end()
                continue
        kind = _kind(text[i])
        j = i + 1
        if kind in "LP":
            while j < len(text) and _kind(text[j]) == kind:
                j += 1
        if kind != "S":
            out.append(text[i:j])
        i = j
    return out


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.rank = {m: i for i, m in enumerate(merges)}
        self.bytes = byte_symbols()
        self.sot, self.eot = vocab[SOT], vocab[EOT]
        self.known = {}

    def word(self, w):
        if w in (SOT, EOT):
            return [self.vocab[w]]
        if w not in self.known:
            parts = [self.bytes[b] for b in w.encode("utf-8")]
            parts[-1] += END
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                parts = merge_pair(parts, best)
            self.known[w] = [self.vocab[p] for p in parts]
        return self.known[w]

    def encode(self, text):
        text = " ".join(text.split()).lower()
        return [self.sot] + [i for w in split_words(text) for i in self.word(w)] + [self.eot]

    def encode_padded(self, text, context):
        ids = self.encode(text)
        if len(ids) > context:
            ids = ids[:context - 1] + [self.eot]
        return ids + [self.eot] * (context - len(ids))


def merge_pair(parts, pair):
    out, i = [], 0
    while i < len(parts):
        if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
            out.append(parts[i] + parts[i + 1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


def train(texts, vocab_size):
    """Most frequent pair first; ties go to the alphabetically first pair, so the result is repeatable."""
    table = byte_symbols()
    counts = collections.Counter(w for t in texts for w in split_words(" ".join(t.split()).lower()))
    words = []
    for w, n in sorted(counts.items()):
        parts = [table[b] for b in w.encode("utf-8")]
        parts[-1] += END
        words.append([parts, n])
    merges = []
    while len(merges) < vocab_size - 514:
        pairs = collections.Counter()
        for parts, n in words:
            for p in zip(parts, parts[1:]):
                pairs[p] += n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        for w in words:
            if best[0] in w[0]:
                w[0] = merge_pair(w[0], best)
    symbols = list(table.values())
    names = symbols + [s + END for s in symbols] + [a + b for a, b in merges]
    vocab = {}
    for n in names + [SOT, EOT]:
        vocab.setdefault(n, len(vocab))
    assert len(vocab) == 514 + len(merges)
    return Tokenizer(vocab, merges)


def save(tok, directory):
    with open("%s/vocab.json" % directory, "w", encoding="utf-8") as f:
        json.dump(tok.vocab, f, ensure_ascii=False)
    with open("%s/merges.txt" % directory, "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n")
        for a, b in sorted(tok.rank, key=tok.rank.get):
            f.write("%s %s\n" % (a, b))


def load(directory):
    vocab = json.load(open("%s/vocab.json" % directory, encoding="utf-8"))
    lines = open("%s/merges.txt" % directory, encoding="utf-8").read().split("\n")
    return Tokenizer(vocab, [tuple(l.split()) for l in lines[1:] if l.strip()])
