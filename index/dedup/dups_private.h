/*
 * index/dedup/dups_private.h - how a duplicate search is cut into steps.
 *
 *     scan       dups_list.c, dups_scan.c: which files; read and decoded by the pool
 *                dups_measure.c: fingerprints; dups_cache.c: or taken from the library
 *     classes    dups_classes.c: files with the same pixels; one of each stands for all
 *     candidates dups_candidates.c (hashes, by dups_mih*.c), dups_semantic.c (embeddings)
 *     edges      dups_verify.c: candidates that the pixels confirm, in threads
 *     groups     dups_groups.c: stars around keepers (dups_rank.c)
 *     report     dups_report.c, dups_texts.c, dups_leak.c
 *
 * Memory: about 1.2 KB per picture (strings, hashes, measures), and 19 KB of thumbnail each for
 * as many pictures as GLIMPSE_DUPS_THUMB_BYTES holds. Others are decoded again when a candidate has
 * to be looked at. While reading, the pool bounds what pictures in flight take.
 */
#ifndef GLIMPSE_INDEX_DUPS_PRIVATE_H
#define GLIMPSE_INDEX_DUPS_PRIVATE_H

#include "core/hash.h"

#include <glimpse/dedup.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GLIMPSE_DUPS_RADIUS = 12, /* default Hamming radius */
    GLIMPSE_DUPS_DIFFERENCE_RADIUS = 8,
    GLIMPSE_DUPS_FEW = 4096,      /* up to so many pictures all hashes within it are found */
    GLIMPSE_DUPS_MOST_HITS = 64,  /* nearest candidates per hash and table */
    GLIMPSE_DUPS_MOST_EQUAL = 64, /* pictures of one hash that others are held against */
    GLIMPSE_DUPS_HINTS = 3,       /* guesses tried per pair */
    GLIMPSE_DUPS_NEIGHBOURS = 32, /* nearest embeddings looked at per picture */
    GLIMPSE_DUPS_MINI = 16,
    GLIMPSE_DUPS_THUMB_BYTES = 512 << 20
};
/* Semantic threshold: what two pictures have in common beyond what any two have (dups_semantic.c),
 * and the cosine for sets too small to say. */
#define GLIMPSE_DUPS_BEYOND     0.9
#define GLIMPSE_DUPS_SIMILARITY 0.96

typedef struct glimpse_dups_item {
    glimpse_dedup_picture picture; /* its strings are owned by the item */
    uint64_t windows[GLIMPSE_WINDOW_COUNT];
    uint64_t turns[8];
    uint64_t weak_turns[8], weak_content, weak_dhash; /* which bits of the hashes flip first */
    glimpse_window content;
    glimpse_thumb *thumb; /* NULL: not kept */
    double effective;     /* pixels, without those of a frame: what ranks it */
    uint64_t device, inode;
    uint8_t mini[GLIMPSE_DUPS_MINI * GLIMPSE_DUPS_MINI]; /* grey, to drop candidates cheaply */
    uint32_t agreeing; /* other pictures that are the same but for coding; 0 below 2 */
    int from_cache;    /* hashes and measures are those that a library kept */
    int plain;         /* nothing in it that could be compared */
    int status;        /* < 0: `reason` says why it cannot be used */
    int skip;          /* no picture after all */
    char *reason;
    uint32_t class; /* files with the same pixels */
} glimpse_dups_item;

/* How two classes may be the same picture: the query, a or b, is what the window of the other one
 * shows. */
enum { GLIMPSE_HINT_A_ASKS = 1, GLIMPSE_HINT_CONTENT = 2, GLIMPSE_HINT_SEMANTIC = 4 };
typedef struct glimpse_dups_hint {
    uint32_t a, b;    /* items, a < b */
    uint8_t distance; /* Hamming; 255: proposed by embeddings */
    uint8_t window;   /* of the one that does not ask */
    uint8_t way;      /* A_ASKS: a is the query; CONTENT: only what is inside its frame */
    uint8_t turn;     /* of the query */
    float cosine;     /* or -2 */
} glimpse_dups_hint;

/* Two classes that are related. The warp takes b, as stored upright, to a, turn included. */
typedef struct glimpse_dups_edge {
    uint32_t a, b; /* items that stand for their classes, a < b */
    glimpse_dedup_relation relation;
    glimpse_dedup_kind kind;
    int distance, turn;
    double score, cosine;
    glimpse_comparison comparison;
    glimpse_warp warp;
} glimpse_dups_edge;

typedef struct glimpse_dups_member {
    uint32_t item;
    glimpse_dedup_kind kind;
    glimpse_dedup_relation relation;
    int distance, turn;
    double score;
    glimpse_comparison comparison; /* of the keeper (first) with the item; zeros when identical */
} glimpse_dups_member;

typedef struct glimpse_dups_group {
    glimpse_dups_member *members; /* [0] the keeper */
    size_t count;
} glimpse_dups_group;

typedef struct glimpse_dups {
    const glimpse_dedup_options *options;
    unsigned tiers, radius, jobs;
    double min_similarity;
    glimpse_dups_item *items;
    size_t count, room;
    size_t embedding_size;
    char *keep_path; /* resolved, or NULL */
    char **roots;    /* [root_count] resolved, of both sets; for labels */
    size_t root_count;
    uint8_t *sets;          /* [class_count] bit per set that has it */
    uint32_t *first_of;     /* [class_count] the item that stands for a class */
    uint32_t *members;      /* [count] items by class, then by item */
    uint32_t *member_start; /* [class_count + 1] */
    size_t class_count;
    glimpse_dups_hint *hints; /* sorted by a, b, distance */
    size_t hint_count;
    glimpse_dups_edge *edges; /* sorted by a, b */
    size_t edge_count, edge_room;
    glimpse_dups_group *groups;
    size_t group_count, group_room;
    uint64_t decided, candidates, verified, cached;
    double started;
    double last_progress;
    size_t thumb_bytes; /* GLIMPSE_DUPS_THUMB_BYTES; tests take less */
} glimpse_dups;

/* Nothing in it that hashes could tell apart. */
static inline int glimpse_dups_is_plain(const glimpse_dedup_picture *picture) {
    return picture->measures.deviation < 3;
}

/* Calls options->progress when it is time. GLIMPSE_E_CANCELLED when it says so. */
int glimpse_dups_progress(glimpse_dups *dups, const char *stage, uint64_t done, uint64_t total,
                          int final, const char *path);

int glimpse_dups_list(glimpse_dups *dups); /* items with paths, sorted: set, path */
int glimpse_dups_scan(glimpse_dups *dups); /* reads them; drops what is no picture */
/* Everything that the picture and its bytes say about the item but its embedding. `keep` the
 * thumbnail as well. Any thread. */
int glimpse_dups_measure(glimpse_dups *dups, glimpse_dups_item *item, const glimpse_image *image,
                         const uint8_t *data, size_t size, const glimpse_hash *hash, int keep);
/* The name of the folder a file lies in, malloc'ed; "" when that is a root. */
const char *glimpse_dups_label(const glimpse_dups *dups, const char *path);
int glimpse_dups_make_classes(glimpse_dups *dups);
int glimpse_dups_perceptual(glimpse_dups *dups); /* adds hints */
int glimpse_dups_semantic(glimpse_dups *dups);   /* adds hints */
int glimpse_dups_sort_hints(glimpse_dups *dups); /* and drops the superfluous */
int glimpse_dups_verify(glimpse_dups *dups);     /* hints to edges */
int glimpse_dups_group_all(glimpse_dups *dups);
int glimpse_dups_group_against(glimpse_dups *dups);
int glimpse_dups_make_report(glimpse_dups *dups, glimpse_dedup_report **out);

int glimpse_dups_add_hint(glimpse_dups *dups, size_t *room, const glimpse_dups_hint *hint);

/* The thumbnail of an item: the kept one, or decoded again into `spare`. NULL when the file cannot
 * be read any more (the message is set). */
const glimpse_thumb *glimpse_dups_thumb(const glimpse_dups *dups, size_t item,
                                        glimpse_thumb *spare);
/* Fills `edge` (a, b given) from a comparison starting with `guess` (b to a, turn included; NULL:
 * the same view). 1 when they are related up to NEAR_SHOT, 0 when not, negative on failure. */
int glimpse_dups_compare(const glimpse_dups *dups, glimpse_dups_edge *edge,
                         const glimpse_warp *guess);
const glimpse_dups_edge *glimpse_dups_find_edge(const glimpse_dups *dups, uint32_t a, uint32_t b);

/* The guess of a hint: b to a, turn included. */
glimpse_warp glimpse_dups_guess(const glimpse_dups *dups, const glimpse_dups_hint *hint);
/* EXIF orientation 1..8 as a warp: a place in the turned picture to the place in the stored one. */
glimpse_warp glimpse_dups_turn_warp(int turn);

/* Negative when `a` is to be kept rather than `b`. */
int glimpse_dups_rank(const glimpse_dups *dups, const glimpse_dups_item *a,
                      const glimpse_dups_item *b);
/* Why `keeper` is kept rather than `other`, malloc'ed. */
char *glimpse_dups_reason(const glimpse_dups *dups, const glimpse_dups_item *keeper,
                          const glimpse_dups_item *other);
/* What was done to make `item` of `keeper` or the other way round, malloc'ed. */
char *glimpse_dups_differences(const glimpse_dups *dups, const glimpse_dups_item *keeper,
                               const glimpse_dups_item *item, const glimpse_dups_member *member);

/* What options->decide says; equal contents are one pair. */
int glimpse_dups_decided(const glimpse_dups *dups, size_t a, size_t b);
/* 1 when options.weakest keeps such a pair out of groups. */
int glimpse_dups_too_weak(const glimpse_dups *dups, glimpse_dedup_relation relation);

/* Appends a group of `count` members; they are copied. Sorts all but the keeper. */
int glimpse_dups_add_group(glimpse_dups *dups, const glimpse_dups_member *members, size_t count);

int glimpse_dups_fill_leak(const glimpse_dups *dups, glimpse_dedup_report *report);

void glimpse_dups_release(glimpse_dups *dups);

#endif
