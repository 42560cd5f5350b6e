/*
 * text/vocabulary.c - the vocabulary of a BPE tokenizer: the checks on ids and names, and the hash
 * tables.
 *
 * Opening has to be fast, because every `glimpse search` does it: two allocations per table, sized
 * from the data, and no allocation per token.
 */
#include "text/vocabulary.h"

#include "core/error.h"
#include "core/utf8.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

typedef struct slot {
    uint32_t tag; /* of the hash: most misses are seen without reading the token */
    int32_t id;   /* -1: free */
} slot;

struct glimpse_vocabulary_build {
    size_t capacity; /* of the tokens */
    int in_order;    /* so far every id was the number of tokens before it */
    slot *slots;
    size_t mask;
    char *joined; /* scratch for the two halves of a merge */
    size_t joined_capacity;
    size_t merges_capacity;
    int32_t last_merged; /* -1, or what the merge before became */
};

int glimpse_vocabulary_begin(glimpse_vocabulary *vocabulary) {
    memset(vocabulary, 0, sizeof *vocabulary);
    vocabulary->build = calloc(1, sizeof *vocabulary->build);
    if (!vocabulary->build) return glimpse_fail_nomem(sizeof *vocabulary->build, "a vocabulary");
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t noise[3] = {(uint64_t)now.tv_nsec, (uint64_t)now.tv_sec,
                         (uint64_t)(uintptr_t)vocabulary->build};
    vocabulary->build->in_order = 1;
    vocabulary->unmade = -1;
    vocabulary->build->last_merged = -1;
    vocabulary->seed = XXH3_64bits(noise, sizeof noise);
    return GLIMPSE_OK;
}

static void free_build(glimpse_vocabulary *vocabulary) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    if (!build) return;
    free(build->joined);
    free(build->slots);
    free(build);
    vocabulary->build = NULL;
}

void glimpse_vocabulary_release(glimpse_vocabulary *vocabulary) {
    free_build(vocabulary);
    free(vocabulary->merges);
    free(vocabulary->tokens);
    free(vocabulary->text);
    memset(vocabulary, 0, sizeof *vocabulary);
}

int glimpse_vocabulary_add(glimpse_vocabulary *vocabulary, const char *name, char *text,
                           size_t length, int64_t id) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    char quoted[GLIMPSE_UTF8_QUOTED];
    if (id < 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: entry %zu: token %s has the negative id %lld",
                            name, vocabulary->count + 1, glimpse_utf8_quote(quoted, text, length),
                            (long long)id);
    }
    if (vocabulary->count >= GLIMPSE_VOCABULARY_LIMIT) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: more than %d tokens", name,
                            GLIMPSE_VOCABULARY_LIMIT);
    }
    if (vocabulary->count == build->capacity) {
        size_t capacity = build->capacity ? 2 * build->capacity : (size_t)1 << 16;
        glimpse_token *tokens = realloc(vocabulary->tokens, capacity * sizeof *tokens);
        if (!tokens) return glimpse_fail_nomem(capacity * sizeof *tokens, name);
        vocabulary->tokens = tokens;
        build->capacity = capacity;
    }
    build->in_order = build->in_order && (uint64_t)id == vocabulary->count;
    vocabulary->tokens[vocabulary->count++] =
        (glimpse_token){text, (uint32_t)length, id < GLIMPSE_VOCABULARY_LIMIT ? (int32_t)id : -1};
    return GLIMPSE_OK;
}

static size_t table_size(size_t entries) {
    size_t size = 16;
    while (3 * size < 5 * entries) { /* at most 60% full */
        size *= 2;
    }
    return size;
}

static uint64_t hash_text(const glimpse_vocabulary *vocabulary, const char *text, size_t length) {
    return XXH3_64bits_withSeed(text, length, vocabulary->seed);
}

/* The id of a token, or -1; *free_slot is where it would go. `tokens` must be in order of id. */
static int32_t find(const glimpse_vocabulary *vocabulary, const char *text, size_t length,
                    slot **free_slot, uint32_t *tag) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    uint64_t hash = hash_text(vocabulary, text, length);
    *tag = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash;; i++) {
        slot *candidate = &build->slots[i & build->mask];
        if (candidate->id < 0) {
            *free_slot = candidate;
            return -1;
        }
        if (candidate->tag != *tag) continue;
        const glimpse_token *other = &vocabulary->tokens[candidate->id];
        if (other->length == length && memcmp(other->text, text, length) == 0) {
            return candidate->id;
        }
    }
}

int32_t glimpse_vocabulary_find(const glimpse_vocabulary *vocabulary, const char *text,
                                size_t length) {
    slot *unused;
    uint32_t tag;
    return find(vocabulary, text, length, &unused, &tag);
}

/* Puts the tokens in order of id: a permutation of 0 to count - 1, or an error. */
static int sort_by_id(glimpse_vocabulary *vocabulary, const char *name) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    size_t count = vocabulary->count;
    char quoted[GLIMPSE_UTF8_QUOTED];
    if (build->in_order) return GLIMPSE_OK; /* as files usually are */
    glimpse_token *sorted = malloc((count ? count : 1) * sizeof *sorted);
    if (!sorted) return glimpse_fail_nomem(count * sizeof *sorted, name);
    for (size_t i = 0; i < count; i++) {
        sorted[i].text = NULL;
    }
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count; i++) {
        glimpse_token *entry = &vocabulary->tokens[i];
        if (entry->id < 0 || (size_t)entry->id >= count) {
            status = glimpse_fail(GLIMPSE_E_FORMAT,
                                  "%s: entry %zu: the id of token %s is not below %zu, the number "
                                  "of tokens",
                                  name, i + 1,
                                  glimpse_utf8_quote(quoted, entry->text, entry->length), count);
            goto done;
        }
        if (sorted[entry->id].text) {
            status = glimpse_fail(
                GLIMPSE_E_FORMAT,
                "%s: entry %zu: token %s has id %d a second "
                "time",
                name, i + 1, glimpse_utf8_quote(quoted, entry->text, entry->length), entry->id);
            goto done;
        }
        sorted[entry->id] = *entry;
    }
    glimpse_token *swap = vocabulary->tokens;
    vocabulary->tokens = sorted;
    build->capacity = count ? count : 1;
    sorted = swap;
done:
    free(sorted);
    return status;
}

int glimpse_vocabulary_index(glimpse_vocabulary *vocabulary, const char *name, size_t merges) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    int status = sort_by_id(vocabulary, name);
    if (status < 0) return status;

    size_t size = table_size(vocabulary->count);
    build->slots = malloc(size * sizeof *build->slots);
    if (!build->slots) return glimpse_fail_nomem(size * sizeof *build->slots, name);
    build->mask = size - 1;
    memset(build->slots, 0xFF, size * sizeof *build->slots);
    for (size_t id = 0; id < vocabulary->count; id++) {
        const glimpse_token *entry = &vocabulary->tokens[id];
        slot *place = NULL;
        uint32_t tag;
        int32_t other = find(vocabulary, entry->text, entry->length, &place, &tag);
        if (other >= 0) {
            char quoted[GLIMPSE_UTF8_QUOTED];
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: token %s occurs twice, with ids %d and %zu",
                                name, glimpse_utf8_quote(quoted, entry->text, entry->length), other,
                                id);
        }
        *place = (slot){tag, (int32_t)id};
    }

    size = table_size(merges);
    if (size > SIZE_MAX / sizeof *vocabulary->merges) return glimpse_fail_nomem(SIZE_MAX, name);
    vocabulary->merges = malloc(size * sizeof *vocabulary->merges);
    if (!vocabulary->merges) return glimpse_fail_nomem(size * sizeof *vocabulary->merges, name);
    memset(vocabulary->merges, 0xFF, size * sizeof *vocabulary->merges);
    vocabulary->merge_mask = size - 1;
    build->merges_capacity = merges;
    return GLIMPSE_OK;
}

static int fail_merge(const char *name, size_t entry, const char *what, const char *text,
                      size_t length) {
    char quoted[GLIMPSE_UTF8_QUOTED];
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %zu: %s %s is not in the vocabulary", name, entry,
                        what, glimpse_utf8_quote(quoted, text, length));
}

/* The id of the token in build->joined. Vocabularies are made by adding what each merge makes, so
 * the next id is tried before the table. */
static int32_t find_joined(const glimpse_vocabulary *vocabulary, size_t length) {
    const struct glimpse_vocabulary_build *build = vocabulary->build;
    size_t next = (size_t)build->last_merged + 1; /* 0 after -1 */
    if (next < vocabulary->count && vocabulary->tokens[next].length == length &&
        memcmp(vocabulary->tokens[next].text, build->joined, length) == 0) {
        return (int32_t)next;
    }
    return glimpse_vocabulary_find(vocabulary, build->joined, length);
}

int glimpse_vocabulary_add_merge(glimpse_vocabulary *vocabulary, const char *name, size_t entry,
                                 const char *left, size_t left_length, const char *right,
                                 size_t right_length) {
    struct glimpse_vocabulary_build *build = vocabulary->build;
    if (vocabulary->merge_count >= build->merges_capacity) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "%s: %zu: more merges than counted", name, entry);
    }
    if (left_length == 0 || right_length == 0) {
        /* A pair that merges into one of its halves would never stop merging. */
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %zu: a merge with an empty token", name, entry);
    }
    int32_t left_id = glimpse_vocabulary_find(vocabulary, left, left_length);
    if (left_id < 0) return fail_merge(name, entry, "the token", left, left_length);
    int32_t right_id = glimpse_vocabulary_find(vocabulary, right, right_length);
    if (right_id < 0) return fail_merge(name, entry, "the token", right, right_length);

    size_t joined = left_length + right_length;
    if (joined > build->joined_capacity) {
        char *grown = realloc(build->joined, 2 * joined);
        if (!grown) return glimpse_fail_nomem(2 * joined, name);
        build->joined = grown;
        build->joined_capacity = 2 * joined;
    }
    memcpy(build->joined, left, left_length);
    memcpy(build->joined + left_length, right, right_length);
    int32_t id = find_joined(vocabulary, joined);
    if (id < 0) return fail_merge(name, entry, "what the pair becomes,", build->joined, joined);
    build->last_merged = id;

    uint64_t key = (uint64_t)(uint32_t)left_id << 32 | (uint32_t)right_id;
    uint64_t hash = (key ^ vocabulary->seed) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(hash >> 32);
    glimpse_merge *slot_of_key;
    for (;; i++) {
        slot_of_key = &vocabulary->merges[i & vocabulary->merge_mask];
        if (slot_of_key->key == key || slot_of_key->key == UINT64_MAX) break;
    }
    *slot_of_key = (glimpse_merge){key, (uint32_t)vocabulary->merge_count, id};
    vocabulary->merge_count++;
    return GLIMPSE_OK;
}

/* All tokens move into one buffer of their own size, which lets the file go. */
int glimpse_vocabulary_pack(glimpse_vocabulary *vocabulary, const char *name) {
    size_t size = 1;
    for (size_t i = 0; i < vocabulary->count; i++) {
        size += vocabulary->tokens[i].length + 1;
    }
    char *text = malloc(size);
    if (!text) return glimpse_fail_nomem(size, name);
    char *at = text;
    for (size_t i = 0; i < vocabulary->count; i++) {
        glimpse_token *token = &vocabulary->tokens[i];
        memcpy(at, token->text, token->length);
        at[token->length] = '\0';
        token->text = at;
        at += token->length + 1;
    }
    free(vocabulary->text);
    vocabulary->text = text;
    return GLIMPSE_OK;
}

void glimpse_vocabulary_forget_names(glimpse_vocabulary *vocabulary) {
    free_build(vocabulary);
}
