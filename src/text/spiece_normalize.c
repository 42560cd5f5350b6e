/*
 * text/spiece_normalize.c - the normaliser of a SentencePiece model.
 *
 * Its rules, "this string becomes that one", are a double array trie (Darts-clone) and a pool of
 * strings. A unit of the trie, 32 bits:
 *
 *   bits 0-7, 31  label: the byte that leads here (a leaf, with bit 31, has none)
 *   bit  8        a string ends here; its leaf is the child with label 0
 *   bit  9        the offset is counted in steps of 256
 *   bits 10-30    offset: child of label c = (own place ^ offset) ^ c
 *
 * A leaf's lower 31 bits are its value: where in the pool the replacement begins.
 */
#include "core/error.h"
#include "core/utf8.h"
#include "text/spiece_model.h"

#include <stdlib.h>
#include <string.h>

static const char space_symbol[] = "\xE2\x96\x81"; /* U+2581 */
enum { SPACE_SYMBOL = sizeof space_symbol - 1 };
enum {
    LONGEST_RULE = 256,     /* bytes; real rules have some 20 */
    OUTPUT_LIMIT = 64 << 20 /* bytes: no rule makes text 16 times as long */
};

static uint32_t unit_label(uint32_t unit) {
    return unit & (1u << 31 | 0xFF);
}
static int unit_has_leaf(uint32_t unit) {
    return unit >> 8 & 1;
}
static uint32_t unit_offset(uint32_t unit) {
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}
static uint32_t unit_value(uint32_t unit) {
    return unit & ~(1u << 31);
}

static uint32_t little_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

int glimpse_spiece_read_rules(glimpse_spiece_model *model, const char *path,
                              const unsigned char *blob, size_t size) {
    if (size == 0) return GLIMPSE_OK;
    size_t trie_size = size >= 4 ? little_endian(blob) : 0;
    if (size < 4 || trie_size == 0 || trie_size % 4 != 0 || trie_size >= size - 4) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the normalisation rules are damaged: %zu bytes of rules in %zu",
                            path, trie_size, size);
    }
    model->replacements = (const char *)blob + 4 + trie_size;
    model->replacements_size = size - 4 - trie_size;
    if (model->replacements[model->replacements_size - 1] != '\0') {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the normalisation rules are damaged: the last one does not end",
                            path);
    }
    model->trie_count = trie_size / 4;
    model->trie = malloc(trie_size);
    if (!model->trie) return glimpse_fail_nomem(trie_size, path);
    for (size_t i = 0; i < model->trie_count; i++) {
        model->trie[i] = little_endian(blob + 4 + 4 * i);
    }
    /* A unit's leaf depends on its place alone, so all of them can be checked here. */
    for (size_t i = 0; i < model->trie_count; i++) {
        uint32_t unit = model->trie[i];
        if (unit >> 31 || !unit_has_leaf(unit)) continue;
        size_t leaf = i ^ unit_offset(unit);
        if (leaf >= model->trie_count ||
            unit_value(model->trie[leaf]) >= model->replacements_size) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: the normalisation rules are damaged: rule at unit %zu", path,
                                i);
        }
    }
    return GLIMPSE_OK;
}

/* The longest rule at the beginning of `text`: how many bytes it takes (0: there is none), and
 * its replacement. */
static size_t find_rule(const glimpse_spiece_model *model, const char *text, size_t length,
                        const char **replacement) {
    if (!model->trie) return 0;
    size_t found = 0, at = unit_offset(model->trie[0]);
    if (length > LONGEST_RULE) length = LONGEST_RULE;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        at ^= byte;
        if (at >= model->trie_count || unit_label(model->trie[at]) != byte) break;
        uint32_t unit = model->trie[at];
        at ^= unit_offset(unit);
        if (unit_has_leaf(unit)) {
            found = i + 1;
            *replacement = model->replacements + unit_value(model->trie[at]);
        }
    }
    return found;
}

/* One step: what the first bytes of `text` become, and how many of them that is. */
static size_t normalize_prefix(const glimpse_spiece_model *model, const char *text, size_t length,
                               const char **piece, size_t *piece_length) {
    size_t taken;
    if (glimpse_prefix_table_longest(&model->user_defined, text, length, &taken) >= 0) {
        *piece = text;
        *piece_length = taken;
        return taken;
    }
    taken = find_rule(model, text, length, piece);
    if (taken > 0) {
        *piece_length = strlen(*piece);
        return taken;
    }
    uint32_t unused;
    taken = glimpse_utf8_decode(&unused, text, length, NULL);
    *piece = text;
    *piece_length = taken;
    return taken;
}

static int append_space(const glimpse_spiece_model *model, glimpse_bytes *out) {
    return model->escape_whitespaces ? glimpse_bytes_append(out, space_symbol, SPACE_SYMBOL)
                                     : glimpse_bytes_append(out, " ", 1);
}

static int append(const glimpse_spiece_model *model, glimpse_bytes *out, const char *piece,
                  size_t length) {
    for (size_t from = 0; from < length;) {
        const char *space = memchr(piece + from, ' ', length - from);
        size_t end = space ? (size_t)(space - piece) : length;
        int status = glimpse_bytes_append(out, piece + from, end - from);
        if (status == GLIMPSE_OK && space) status = append_space(model, out);
        if (status < 0) return status;
        from = end + (space ? 1 : 0);
    }
    if (out->count > OUTPUT_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a text that is normalised to more than %d bytes",
                            OUTPUT_LIMIT);
    }
    return GLIMPSE_OK;
}

int glimpse_spiece_normalize(const glimpse_spiece_model *model, glimpse_bytes *out,
                             const char *text, size_t length) {
    const char *piece = "";
    size_t at = 0, piece_length = 0;
    int status = GLIMPSE_OK;
    out->count = 0;
    while (model->remove_extra_whitespaces && at < length) {
        size_t taken = normalize_prefix(model, text + at, length - at, &piece, &piece_length);
        if (piece_length != 1 || piece[0] != ' ') break;
        at += taken;
    }
    if (at == length) return GLIMPSE_OK; /* nothing but spaces: no prefix either */
    if (model->add_dummy_prefix && !model->space_is_suffix) status = append_space(model, out);

    int after_space = model->remove_extra_whitespaces;
    while (at < length && status == GLIMPSE_OK) {
        at += normalize_prefix(model, text + at, length - at, &piece, &piece_length);
        while (after_space && piece_length > 0 && piece[0] == ' ') {
            piece++, piece_length--;
        }
        if (piece_length > 0) {
            status = append(model, out, piece, piece_length);
            after_space = model->remove_extra_whitespaces && piece[piece_length - 1] == ' ';
        }
    }
    if (status < 0) return status;
    const char *space = model->escape_whitespaces ? space_symbol : " ";
    size_t space_length = strlen(space);
    while (model->remove_extra_whitespaces && out->count >= space_length &&
           memcmp(out->data + out->count - space_length, space, space_length) == 0) {
        out->count -= space_length;
    }
    if (model->add_dummy_prefix && model->space_is_suffix) status = append_space(model, out);
    return status;
}
