/*
 * text/spiece_model.c - the file, and the cutting of unigram models. See spiece_model.h.
 *
 * The file is a protocol buffer (sentencepiece_model.proto). Of its fields these matter:
 *
 *   1 pieces {1 piece, 2 score, 3 type}           (repeated)
 *   2 trainer_spec {3 model_type, 24 treat_whitespace_as_suffix, 35 byte_fallback}
 *   3 normalizer_spec {2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces,
 *                      5 escape_whitespaces}
 */
#include "text/spiece_model.h"

#include "core/download.h"
#include "core/error.h"
#include "core/utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 64 << 20 };
static const float unknown_penalty = 10.0f;

typedef struct message {
    const unsigned char *data;
    size_t size, at;
    const char *path;
    size_t offset; /* of data[0] in the file, for messages */
} message;

typedef struct field {
    unsigned number, type; /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value;
    const unsigned char *bytes;
    size_t length;
} field;

static int broken(const message *m, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: byte %zu: %s", m->path, m->offset + m->at, what);
}

static int read_varint(message *m, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (m->at >= m->size) return broken(m, "the file ends inside a number");
        unsigned char byte = m->data[m->at++];
        if (shift < 64) *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return GLIMPSE_OK;
    }
    return broken(m, "a number of more than 10 bytes");
}

/* 1 and the next field, 0 at the end of the message. */
static int next_field(message *m, field *f) {
    uint64_t key, length = 0;
    if (m->at == m->size) return 0;
    int status = read_varint(m, &key);
    if (status < 0) return status;
    if (key >> 3 == 0 || key >> 3 > 536870911) return broken(m, "not a SentencePiece model");
    *f = (field){(unsigned)(key >> 3), (unsigned)(key & 7), 0, m->data + m->at, 0};
    switch (f->type) {
    case 0: status = read_varint(m, &f->value); return status < 0 ? status : 1;
    case 1: length = 8; break;
    case 5: length = 4; break;
    case 2:
        status = read_varint(m, &length);
        if (status < 0) return status;
        break;
    default: return broken(m, "not a SentencePiece model");
    }
    if (length > m->size - m->at) return broken(m, "the file ends inside a field");
    f->bytes = m->data + m->at;
    f->length = (size_t)length;
    m->at += f->length;
    return 1;
}

static message inside(const message *m, const field *f) {
    return (message){f->bytes, f->length, 0, m->path, m->offset + (size_t)(f->bytes - m->data)};
}

int glimpse_spiece_append(glimpse_spiece_model *model, const char *path,
                          const glimpse_spiece *piece) {
    if (model->count >= GLIMPSE_SPIECE_PIECES_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d pieces", path,
                            GLIMPSE_SPIECE_PIECES_LIMIT);
    }
    if (model->count == model->capacity) {
        size_t capacity = model->capacity ? 2 * model->capacity : 4096;
        glimpse_spiece *pieces = realloc(model->pieces, capacity * sizeof *pieces);
        if (!pieces) return glimpse_fail_nomem(capacity * sizeof *pieces, path);
        model->pieces = pieces;
        model->capacity = capacity;
    }
    model->pieces[model->count++] = *piece;
    return GLIMPSE_OK;
}

static int read_piece(glimpse_spiece_model *model, message *m) {
    field f, text = {0};
    glimpse_spiece piece = {NULL, 0, 0, GLIMPSE_SPIECE_NORMAL};
    int more;
    while ((more = next_field(m, &f)) > 0) {
        if (f.number == 1 && f.type == 2) text = f;
        if (f.number == 2 && f.type == 5) memcpy(&piece.score, f.bytes, sizeof piece.score);
        if (f.number == 3 && f.type == 0) {
            if (f.value < GLIMPSE_SPIECE_NORMAL || f.value > GLIMPSE_SPIECE_BYTE) {
                return broken(m, "a piece of unknown type");
            }
            piece.type = (uint8_t)f.value;
        }
    }
    if (more < 0) return more;
    if (text.length == 0) return broken(m, "an empty piece");
    if (text.length > GLIMPSE_SPIECE_BYTES_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: piece %zu has %zu bytes, more than %d", m->path,
                            model->count, text.length, GLIMPSE_SPIECE_BYTES_LIMIT);
    }
    if (!glimpse_utf8_is_valid((const char *)text.bytes, text.length)) {
        return broken(m, "a piece that is not UTF-8");
    }
    if (!isfinite(piece.score)) return broken(m, "a piece whose score is not a number");
    /* The text is moved to the front of its own message: that leaves room for the NUL. */
    char *place = model->file + m->offset;
    memmove(place, text.bytes, text.length);
    place[text.length] = '\0';
    piece.text = place;
    piece.length = (uint32_t)text.length;
    return glimpse_spiece_append(model, m->path, &piece);
}

static int read_trainer(glimpse_spiece_model *model, message *m) {
    field f;
    int more;
    while ((more = next_field(m, &f)) > 0) {
        if (f.type != 0) continue;
        if (f.number == 3 && f.value != GLIMPSE_SPIECE_UNIGRAM && f.value != GLIMPSE_SPIECE_BPE) {
            return glimpse_fail(
                GLIMPSE_E_UNSUPPORTED,
                "%s: model_type %llu is not supported, only 1 (unigram) and 2 (BPE) are", m->path,
                (unsigned long long)f.value);
        }
        if (f.number == 3) model->bpe = f.value == GLIMPSE_SPIECE_BPE;
        if (f.number == 24) model->space_is_suffix = f.value != 0;
        if (f.number == 35) model->byte_fallback = f.value != 0;
    }
    return more;
}

static int read_normalizer(glimpse_spiece_model *model, message *m) {
    field f, rules = {0};
    int more;
    while ((more = next_field(m, &f)) > 0) {
        if (f.number == 2 && f.type == 2) rules = f;
        if (f.number == 3 && f.type == 0) model->add_dummy_prefix = f.value != 0;
        if (f.number == 4 && f.type == 0) model->remove_extra_whitespaces = f.value != 0;
        if (f.number == 5 && f.type == 0) model->escape_whitespaces = f.value != 0;
    }
    if (more < 0) return more;
    free(model->trie); /* a second one replaces the first */
    model->trie = NULL;
    return glimpse_spiece_read_rules(model, m->path, rules.bytes, rules.length);
}

int glimpse_spiece_byte(const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    if (strlen(text) != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    const char *high = strchr(digits, text[3]), *low = strchr(digits, text[4]);
    return high && low ? (int)(16 * (high - digits) + (low - digits)) : -1;
}

static int add_byte_piece(glimpse_spiece_model *model, const char *path, size_t id) {
    const glimpse_spiece *piece = &model->pieces[id];
    int byte = glimpse_spiece_byte(piece->text);
    if (byte >= 0) {
        model->byte_ids[byte] = (int32_t)id;
        return GLIMPSE_OK;
    }
    char quoted[GLIMPSE_UTF8_QUOTED];
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: piece %zu: %s is no byte", path, id,
                        glimpse_utf8_quote(quoted, piece->text, piece->length));
}

int glimpse_spiece_index(glimpse_spiece_model *model, const char *path) {
    int status = GLIMPSE_OK;
    model->unknown_id = -1;
    model->lowest = INFINITY;
    model->highest = FLT_MIN; /* as there: usually no score is above 0 */
    for (size_t id = 0; id < model->count && status == GLIMPSE_OK; id++) {
        const glimpse_spiece *piece = &model->pieces[id];
        switch ((glimpse_spiece_type)piece->type) {
        case GLIMPSE_SPIECE_NORMAL:
            if (piece->score < model->lowest) model->lowest = piece->score;
            if (piece->score > model->highest) model->highest = piece->score;
            break;
        case GLIMPSE_SPIECE_UNKNOWN:
            if (model->unknown_id >= 0) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: pieces %d and %zu are both unknown",
                                    path, model->unknown_id, id);
            }
            model->unknown_id = (int32_t)id;
            continue;
        case GLIMPSE_SPIECE_USER_DEFINED:
            status = glimpse_prefix_table_add(&model->user_defined, piece->text, piece->length,
                                              (int32_t)id);
            if (status < 0) return status;
            break;
        case GLIMPSE_SPIECE_BYTE: status = add_byte_piece(model, path, id); continue;
        case GLIMPSE_SPIECE_CONTROL: continue;
        case GLIMPSE_SPIECE_UNUSED:
            if (model->bpe) {
                return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                    "%s: piece %zu: unused pieces of BPE are not supported", path,
                                    id);
            }
            break;
        }
        status = glimpse_prefix_table_add(&model->table, piece->text, piece->length, (int32_t)id);
    }
    if (status < 0) return status;
    if (model->unknown_id < 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: none of the %zu pieces is the unknown one", path,
                            model->count);
    }
    if (isinf(model->lowest)) model->lowest = 0; /* no normal pieces */
    const glimpse_prefix *twice, *ignored;
    glimpse_prefix_table_sort(&model->table, &twice);
    glimpse_prefix_table_sort(&model->user_defined, &ignored);
    if (twice) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: piece %s occurs twice (%d)", path,
                            glimpse_utf8_quote(quoted, twice->text, twice->length), twice->id);
    }
    for (size_t byte = 0; byte < 256; byte++) {
        if (model->byte_ids[byte] < 0) model->byte_ids[byte] = model->unknown_id;
    }
    return GLIMPSE_OK;
}

void glimpse_spiece_model_begin(glimpse_spiece_model *model) {
    memset(model, 0, sizeof *model);
    memset(model->byte_ids, 0xFF, sizeof model->byte_ids);
    model->unknown_id = -1;
    model->add_dummy_prefix = 1;
    model->remove_extra_whitespaces = 1;
    model->escape_whitespaces = 1;
}

int glimpse_spiece_parse(glimpse_spiece_model *model, const char *path) {
    void *data = NULL;
    size_t size = 0;
    glimpse_spiece_model_begin(model);
    int status = glimpse_download_read(&data, &size, path, FILE_LIMIT);
    if (status < 0) return status;
    model->file = data;
    message m = {data, size, 0, path, 0};
    field f;
    unsigned seen = 0; /* bit n: field n */
    while ((status = next_field(&m, &f)) > 0) {
        if (f.type != 2) continue;
        message part = inside(&m, &f);
        if (f.number <= 3) seen |= 1u << f.number;
        if (f.number == 1) status = read_piece(model, &part);
        if (f.number == 2) status = read_trainer(model, &part);
        if (f.number == 3) status = read_normalizer(model, &part);
        if (status < 0) break;
    }
    /* SentencePiece writes its specifications behind the pieces, and always. */
    if (status == GLIMPSE_OK && seen != 0xE) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: the %s missing; the file was cut short", path,
                              seen & 2 ? "specifications behind the pieces are" : "pieces are");
    }
    if (status < 0) glimpse_spiece_model_release(model);
    return status;
}

int glimpse_spiece_model_read(glimpse_spiece_model *model, const char *path) {
    int status = glimpse_spiece_parse(model, path);
    if (status < 0) return status;
    status = glimpse_spiece_index(model, path);
    if (status < 0) glimpse_spiece_model_release(model);
    return status;
}

int glimpse_spiece_type_of_file(int *out, const char *path) {
    const glimpse_kept_error before = glimpse_error_keep();
    void *data = NULL;
    size_t size = 0;
    *out = 0;
    int status = glimpse_download_read(&data, &size, path, FILE_LIMIT), type = 0;
    if (status == GLIMPSE_E_NOMEM) return status;
    message m = {data, size, 0, path, 0};
    field f, of_trainer;
    while (status == GLIMPSE_OK && (status = next_field(&m, &f)) > 0) {
        message trainer = inside(&m, &f);
        status = GLIMPSE_OK;
        if (f.number != 2 || f.type != 2) continue;
        type = GLIMPSE_SPIECE_UNIGRAM; /* what it is unless said */
        while ((status = next_field(&trainer, &of_trainer)) > 0) {
            if (of_trainer.number == 3 && of_trainer.type == 0) {
                type = of_trainer.value <= 4 ? (int)of_trainer.value : 0;
            }
        }
    }
    if (status == GLIMPSE_OK) *out = type;
    free(data);
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_spiece_expect_type(const glimpse_spiece_model *model, const char *path, int type,
                               const char *family) {
    static const char *const names[] = {"", "unigram", "BPE"};
    int found = model->bpe ? GLIMPSE_SPIECE_BPE : GLIMPSE_SPIECE_UNIGRAM;
    if (found == type) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: a %s model (model_type %d); that of a %s tokenizer is %s (%d)", path,
                        names[found], found, family, names[type], type);
}

void glimpse_spiece_model_release(glimpse_spiece_model *model) {
    glimpse_prefix_table_release(&model->table);
    glimpse_prefix_table_release(&model->user_defined);
    free(model->trie);
    free(model->pieces);
    free(model->rules);
    free(model->file);
    memset(model, 0, sizeof *model);
}

/* The best way to reach one byte of the text; on the way back `next` takes the place of the score.
 */
typedef struct node {
    union {
        float score;
        uint32_t next;
    } u;
    uint32_t from;
    int32_t id;
} node;
#define NOWHERE UINT32_MAX

static void offer(node *target, double score, size_t from, int32_t id) {
    /* As in unigram_model.cc the candidate is not rounded to float before it is compared. */
    if (target->from != NOWHERE && !(score > (double)target->u.score)) return;
    target->u.score = (float)score;
    target->from = (uint32_t)from;
    target->id = id;
}

static void find_best_path(const glimpse_spiece_model *model, node *nodes, const char *text,
                           size_t size) {
    const float unknown_score = model->lowest - unknown_penalty;
    for (size_t i = 0; i <= size; i++) {
        nodes[i] = (node){{0}, NOWHERE, -1};
    }
    for (size_t from = 0, length; from < size; from += length) {
        float here = nodes[from].u.score;
        length = glimpse_spiece_character((unsigned char)text[from]);
        if (length > size - from) length = size - from;
        int single = 0;
        glimpse_prefix_walk walk = {0, 0, 0};
        for (size_t at = from; at < size;) {
            int32_t id = glimpse_prefix_table_step(&model->table, &walk, (unsigned char)text[at]);
            at++;
            if (id == GLIMPSE_PREFIX_END) break;
            if (id < 0 || model->pieces[id].type == GLIMPSE_SPIECE_UNUSED) continue;
            double score = (double)model->pieces[id].score;
            if (model->pieces[id].type == GLIMPSE_SPIECE_USER_DEFINED) {
                score = (double)((float)(at - from) * model->highest) - 0.1;
            }
            offer(&nodes[at], score + (double)here, from, id);
            if (at - from == length) single = 1;
        }
        if (!single) {
            offer(&nodes[from + length], (double)(unknown_score + here), from, model->unknown_id);
        }
    }
}

/* The pieces on their way out. */
typedef struct output {
    const glimpse_spiece_model *model;
    int (*emit)(void *context, int32_t id);
    void *context;
    int in_unknown;
} output;

static int add_piece(void *context, int32_t id, const char *text, size_t length) {
    output *o = context;
    const int unknown = id == o->model->unknown_id, again = unknown && o->in_unknown;
    int stop = 0;
    o->in_unknown = unknown;
    if (unknown && o->model->byte_fallback) {
        for (size_t i = 0; i < length && !stop; i++) {
            stop = o->emit(o->context, o->model->byte_ids[(unsigned char)text[i]]);
        }
        return stop;
    }
    return again ? 0 : o->emit(o->context, id);
}

static int cut_unigram(const glimpse_spiece_model *model, const char *text, size_t size,
                       output *o) {
    node *nodes = malloc((size + 1) * sizeof *nodes);
    if (!nodes) return glimpse_fail_nomem((size + 1) * sizeof *nodes, "a text");
    find_best_path(model, nodes, text, size);
    for (size_t at = size; at > 0;) {
        size_t from = nodes[at].from;
        nodes[from].u.next = (uint32_t)at;
        at = from;
    }
    int stop = 0;
    for (size_t at = 0, next; at < size && !stop; at = next) {
        next = nodes[at].u.next;
        stop = add_piece(o, nodes[next].id, text + at, next - at);
    }
    free(nodes);
    return GLIMPSE_OK;
}

int glimpse_spiece_encode(const glimpse_spiece_model *model, const char *text, size_t length,
                          int (*emit)(void *context, int32_t id), void *context) {
    glimpse_bytes normal;
    glimpse_bytes_init(&normal);
    int status = glimpse_spiece_normalize(model, &normal, text, length);
    if (status == GLIMPSE_OK && normal.count > 0) {
        output o = {model, emit, context, 0};
        status = model->bpe ? glimpse_spiece_merge(model, normal.data, normal.count, add_piece, &o)
                            : cut_unigram(model, normal.data, normal.count, &o);
    }
    glimpse_bytes_release(&normal);
    return status;
}
