"""BERT's WordPiece tokenizer with a vocabulary of whole words of the drawn world, letters for everything else.

Ids: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, then words. As BLIP's published models have it, [DEC] and [ENC]
are no lines of vocab.txt but the two embedding rows after it.
"""
import json
import string

import vlm_text

PAD, UNK, CLS, SEP, MASK = range(5)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LONGEST = 100            # characters of a word; BERT gives longer ones up as [UNK]


def vocabulary():
    signs = list(".,!?'-:;()/&") + list(string.digits) + list(string.ascii_lowercase)
    words = sorted(set(vlm_text.words()) - set(signs))
    return SPECIAL + signs + ["##" + c for c in string.ascii_lowercase + string.digits] + words


class Tokenizer:
    def __init__(self, lines):
        self.lines, self.ids = lines, {w: i for i, w in enumerate(lines)}
        self.dec, self.enc, self.size = len(lines), len(lines) + 1, len(lines) + 2

    @staticmethod
    def split(text):
        """ASCII text into words and single punctuation marks, lower case."""
        out = "".join(" %s " % c if c in string.punctuation else c for c in text.lower())
        return out.split()

    def encode(self, text):
        """Ids without [CLS] and [SEP]."""
        out = []
        for word in self.split(text):
            at, pieces = 0, []
            while at < len(word):
                end = len(word)
                while end > at and ("##" if at else "") + word[at:end] not in self.ids:
                    end -= 1
                if end == at or len(word) > LONGEST:
                    pieces = [UNK]
                    break
                pieces.append(self.ids[("##" if at else "") + word[at:end]])
                at = end
            out += pieces
        return out

    def decode(self, ids):
        """Special tokens skipped, ## joined, and the spaces before signs that BERT's decoder takes out."""
        text = " ".join(self.lines[i] for i in ids if 4 < i < len(self.lines)).replace(" ##", "")
        for a, b in ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'")):
            text = text.replace(a, b)
        return text


def load(directory):
    return Tokenizer([line.rstrip("\n") for line in open(directory + "/vocab.txt", encoding="utf-8")])


def save(tok, directory, positions):
    with open(directory + "/vocab.txt", "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in tok.lines))
    named = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]",
             "unk_token": "[UNK]"}
    files = {
        "special_tokens_map.json": named,
        "tokenizer_config.json": dict(named, clean_up_tokenization_spaces=True, do_basic_tokenize=True,
                                      do_lower_case=True, model_max_length=positions, strip_accents=None,
                                      tokenize_chinese_chars=True, tokenizer_class="BertTokenizer"),
        "tokenizer.json": {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for i, t in enumerate(SPECIAL)],
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                           "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                           {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                         {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                         {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]}
                                   for t, i in (("[CLS]", CLS), ("[SEP]", SEP))}},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": LONGEST, "vocab": tok.ids}},
    }
    for name, content in files.items():
        with open("%s/%s" % (directory, name), "w") as f:
            json.dump(content, f, indent=1 if name == "tokenizer.json" else 2)
            f.write("\n")
