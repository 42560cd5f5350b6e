/*
 * index/dedup/dedup_private.h - how a duplicate search is cut into steps.
 *
 *     list       dedup_list.c, dedup_links.c: which files, and which names are one file
 *     scan       dedup_scan.c: read and decoded by the pool
 *                dedup_measure.c: fingerprints; dedup_cache.c: or taken from the library
 *     classes    dedup_classes.c: files with the same pixels that hold the same
 *                (dedup_holdings.c); one of each stands for all
 *     candidates dedup_candidates.c (hashes, by dedup_mih*.c), dedup_semantic.c (embeddings)
 *     edges      dedup_verify.c: candidates that the pixels confirm, in threads
 *                dedup_altered.c: which of an edited pair is the edit
 *                dedup_detail.c: those that would be acted on, at full size
 *                dedup_holdings.c: what the files hold beside the picture
 *     groups     dedup_groups.c: stars around keepers (dedup_rank.c; dedup_origin.c,
 *                dedup_depth.c, copy_names.c)
 *     report     dedup_report.c, dedup_texts.c, dedup_leak.c
 *
 * Memory: about 1.2 KB per picture (strings, hashes, measures), and 19 KB of thumbnail each for
 * as many pictures as GLIMPSE_DEDUP_THUMB_BYTES holds. Others are decoded again when a candidate
 * has to be looked at. While reading, the pool bounds what pictures in flight take.
 */
#ifndef GLIMPSE_INDEX_DEDUP_PRIVATE_H
#define GLIMPSE_INDEX_DEDUP_PRIVATE_H

#include "core/hash.h"

#include <glimpse/dedup.h>
#include <glimpse/sys/holdings.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GLIMPSE_DEDUP_RADIUS = 12, /* default Hamming radius */
    GLIMPSE_DEDUP_DIFFERENCE_RADIUS = 8,
    GLIMPSE_DEDUP_FEW = 4096,      /* up to so many pictures all hashes within it are found */
    GLIMPSE_DEDUP_MAX_HITS = 64,   /* nearest candidates per hash and table */
    GLIMPSE_DEDUP_MAX_EQUAL = 64,  /* pictures of one hash that others are held against */
    GLIMPSE_DEDUP_HINTS = 3,       /* guesses tried per pair */
    GLIMPSE_DEDUP_NEIGHBOURS = 32, /* nearest embeddings looked at per picture */
    GLIMPSE_DEDUP_MINI = 16,
    GLIMPSE_DEDUP_THUMB_BYTES = 512 << 20
};
/* Semantic threshold: what two pictures have in common beyond what any two have (dedup_semantic.c),
 * and the cosine for sets too small to say. */
#define GLIMPSE_DEDUP_BEYOND     0.9
#define GLIMPSE_DEDUP_SIMILARITY 0.96

typedef struct glimpse_dedup_item {
    glimpse_dedup_picture picture; /* its strings are owned by the item */
    uint64_t windows[GLIMPSE_WINDOW_COUNT];
    uint64_t orientations[8];
    uint64_t weak_orientations[8], weak_content,
        weak_dhash; /* which bits of the hashes flip first */
    glimpse_window content;
    glimpse_thumb *thumb; /* NULL: not kept */
    double effective;     /* pixels, without those of a frame: what ranks it */
    uint64_t device, inode, links;
    int reference;       /* found only because options.protect names its directory */
    unsigned depth;      /* bits a sample; 0: not known, or not asked for */
    unsigned companions; /* RAW, video and sidecars beside it */
    uint8_t mini[GLIMPSE_DEDUP_MINI * GLIMPSE_DEDUP_MINI]; /* grey, to drop candidates cheaply */
    double subseconds; /* of `taken`, 0 <= s < 1; -1: not known */
    int is_cut;        /* the mark that ends the picture is missing */
    int is_refreshed;  /* from a library, and what its bytes say was read again */
    int quality;       /* 1..101, a guess where the file does not tell; a copy that was saved again
                          without loss has that of its source */
    int is_resaved;    /* 1: it is such a copy */
    uint32_t written;  /* orders the files by their times, as far as those say anything */
    int alterations;   /* versions that it seems to be made of, by its tones or corners */
    int soft;          /* versions with more in them than this one's size and coding promise */
    int blemishes;     /* dates, logos and the like that other versions do not have */
    uint32_t agreeing; /* other versions that show just the same; 0 below 2 */
    char decided_as[GLIMPSE_HASH_HEX]; /* the id of its picture, where that is not that of its bytes
                                          and decisions are asked for; else "" */
    int from_cache;                    /* hashes and measures are those that a library kept */
    int plain;                         /* nothing in it that could be compared */
    int status;                        /* < 0: `reason` says why it cannot be used */
    int skip;                          /* no picture after all */
    char *reason;
    uint32_t class;             /* files with the same pixels that hold the same */
    glimpse_holdings *holdings; /* NULL: not read, or another file's count */
    uint32_t holder;            /* 1 + the item whose holdings are this one's; 0: not read */
    int unreadable; /* what it holds cannot be told any more: it is related to nothing */
    double worth;   /* larger for a file that holds more; 0: not read */
    uint64_t holds; /* what tells it from others of the same pixels; 0: nothing */
} glimpse_dedup_item;

/* How two classes may be the same picture: the query, a or b, is what the window of the other one
 * shows. */
enum { GLIMPSE_HINT_A_IS_QUERY = 1, GLIMPSE_HINT_CONTENT = 2, GLIMPSE_HINT_SEMANTIC = 4 };
typedef struct glimpse_dedup_hint {
    uint32_t a, b;       /* items, a < b */
    uint8_t distance;    /* Hamming; 255: proposed by embeddings */
    uint8_t window;      /* of the one that does not ask */
    uint8_t flags;       /* A_IS_QUERY: a is the query; CONTENT: only what is inside its frame */
    uint8_t orientation; /* of the query */
    float cosine;        /* or -2 */
} glimpse_dedup_hint;

/* Two classes that are related. The warp takes b, as stored upright, to a, turn included. */
typedef struct glimpse_dedup_edge {
    uint32_t a, b; /* items that stand for their classes, a < b */
    glimpse_dedup_relation relation;
    glimpse_dedup_kind kind;
    int distance, orientation;
    double score, cosine;
    glimpse_comparison comparison;
    glimpse_warp warp;
    const glimpse_detail *detail; /* of dedup->details; NULL: not compared at full size */
    int softer;                   /* 1: a, 2: b has less in it than its size and coding say */
    int detailed;                 /* 1: its turn at full size has been */
    int altered;                  /* of an edit, 1: a was made of b, by its tones or corners; 2: b
                                     of a; 0: it cannot be told */
} glimpse_dedup_edge;

typedef struct glimpse_dedup_entry {
    uint32_t item;
    glimpse_dedup_kind kind;
    glimpse_dedup_relation relation;
    int distance, orientation;
    double score;
    glimpse_comparison comparison; /* of the keeper (first) with the item; zeros when identical */
    glimpse_warp to_keeper;        /* the item's places, turn included; likewise */
    const glimpse_detail *detail;  /* as in the edge; its places are in the keeper's picture ... */
    int detail_of_member;          /* ... or, 1, in the item's */
} glimpse_dedup_entry;

/* A pair that options.weakest keeps out of groups. */
typedef struct glimpse_dedup_weak_pair {
    uint32_t a, b; /* items */
    glimpse_dedup_relation relation;
} glimpse_dedup_weak_pair;

typedef struct glimpse_dedup_cluster {
    glimpse_dedup_entry *members; /* [0] the keeper */
    size_t count;
} glimpse_dedup_cluster;

typedef struct glimpse_dedup {
    const glimpse_dedup_options *options;
    unsigned tiers, radius, jobs;
    double min_similarity;
    glimpse_dedup_item *items;
    size_t count, capacity;
    size_t embedding_size;
    char **keep_directories; /* [options->keep_count] resolved; NULL: a rule without one */
    char **protect;          /* [options->protect_count] resolved */
    char **roots;            /* [root_count] resolved: set 0, set 1, directories of reference */
    size_t root_count, set_roots[2]; /* how many of them are of each set */
    uint64_t nomedia, other_names;   /* as in the report */
    uint8_t *sets;                   /* [class_count] bit per set that has it */
    uint32_t *first_of;              /* [class_count] the item that stands for a class */
    uint32_t *members;               /* [count] items by class, then by item */
    uint32_t *member_start;          /* [class_count + 1] */
    size_t class_count;
    glimpse_dedup_hint *hints; /* sorted by a, b, distance */
    size_t hint_count;
    glimpse_dedup_edge *edges; /* sorted by a, b */
    size_t edge_count, edge_capacity;
    glimpse_detail **details; /* [detail_count] owned; what edges and entries point to */
    size_t detail_count, detail_capacity;
    glimpse_dedup_cluster *groups;
    size_t group_count, group_capacity;
    glimpse_dedup_weak_pair *weak; /* what was left out on the way */
    size_t weak_count, weak_capacity;
    uint64_t left_out[GLIMPSE_RELATION_SIMILAR + 1]; /* as in the report */
    uint64_t decided, candidates, verified, cached, decoded;
    double started;
    double last_progress;
    size_t thumb_bytes; /* GLIMPSE_DEDUP_THUMB_BYTES; tests take less */
} glimpse_dedup;

/* Nothing in it that hashes could tell apart. */
static inline int glimpse_dedup_is_plain(const glimpse_dedup_picture *picture) {
    return picture->measures.deviation < 3;
}

/* Calls options->progress when it is time. GLIMPSE_E_CANCELLED when it says so. */
int glimpse_dedup_progress(glimpse_dedup *dedup, const char *stage, uint64_t done, uint64_t total,
                           int final, const char *path);

int glimpse_dedup_list(glimpse_dedup *dedup); /* items with paths, sorted: set, path */
/* dedup_links.c: what options.protect covers; names of one file become one item, in the same order;
 * files that both sets have by the same directory entry are GLIMPSE_E_INVALID. */
int glimpse_dedup_mark_protected(glimpse_dedup *dedup);
int glimpse_dedup_join_names(glimpse_dedup *dedup);
void glimpse_dedup_free_names(const glimpse_dedup_picture *picture);
int glimpse_dedup_scan(glimpse_dedup *dedup); /* reads them; drops what is no picture */
/* What the bytes themselves say: date, camera, place. Any thread. */
int glimpse_dedup_read_statements(glimpse_dedup_item *item, const void *data, size_t size);
/* Everything that the picture and its bytes say about the item but its embedding. `keep` the
 * thumbnail as well. Any thread. */
int glimpse_dedup_measure(glimpse_dedup *dedup, glimpse_dedup_item *item,
                          const glimpse_image *image, const uint8_t *data, size_t size,
                          const glimpse_hash *hash, int keep);
/* The name of the directory a file lies in, malloc'ed; "" when that is a root. */
const char *glimpse_dedup_label(const glimpse_dedup *dedup, const char *path);
int glimpse_dedup_make_classes(glimpse_dedup *dedup);
int glimpse_dedup_perceptual(glimpse_dedup *dedup); /* adds hints */
int glimpse_dedup_semantic(glimpse_dedup *dedup);   /* adds hints */
int glimpse_dedup_sort_hints(glimpse_dedup *dedup); /* and drops the superfluous */
int glimpse_dedup_verify(glimpse_dedup *dedup);     /* hints to edges */
/* Edges that thumbnails call re-encoded, or edited in parts only, are compared at full size, where
 * that is not done yet; the relation follows. `wanted` [edge_count]: which, in threads. */
int glimpse_dedup_detail_all(glimpse_dedup *dedup, const uint8_t *wanted);
/* One edge, which need not be one of dedup->edges. */
int glimpse_dedup_detail(glimpse_dedup *dedup, glimpse_dedup_edge *edge);
/* 1 when full size has something to say about the edge and has not said it. */
int glimpse_dedup_wants_detail(const glimpse_dedup_edge *edge);
/* dedup_loss.c: of two pictures that show the same, 1: the first, 2: the second has less in it than
 * its size and coding say; 0: neither. Whether coding explains what differs. Whether one was given
 * other colours. */
int glimpse_dedup_softer(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                         const glimpse_detail *detail, const glimpse_image *a,
                         const glimpse_image *b);
int glimpse_dedup_is_explained(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                               const glimpse_detail *detail, const glimpse_image *a,
                               const glimpse_image *b);
int glimpse_dedup_has_other_colours(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                                    const glimpse_detail *detail);
/* Counts item->soft, ->blemishes and ->alterations from what full size has seen. 1 when one
 * changed. */
int glimpse_dedup_count_blemishes(glimpse_dedup *dedup);
/* dedup_altered.c: edge->altered, for an edge that thumbnails call an edit. */
int glimpse_dedup_which_is_altered(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                                   const glimpse_thumb *a, const glimpse_thumb *b);
/* dedup_origin.c: item->quality, is_resaved and written. */
int glimpse_dedup_find_sources(glimpse_dedup *dedup);
/* Counts item->agreeing from the edges as they are. 1 when one changed. */
int glimpse_dedup_count_agreeing(glimpse_dedup *dedup);
/* How two pictures stand to each other as moments: SAME_MOMENT, or nothing is known; ZONES: apart
 * by whole quarters of an hour, as a change of time zone looks; TWO_SHOTS. */
enum { GLIMPSE_SAME_MOMENT = 0, GLIMPSE_ZONES, GLIMPSE_TWO_SHOTS };
int glimpse_dedup_moments(const glimpse_dedup_item *a, const glimpse_dedup_item *b);
/* Two cameras, or one, say that more than a day lies between the two. */
int glimpse_dedup_are_days_apart(const glimpse_dedup_picture *p, const glimpse_dedup_picture *q);
int glimpse_dedup_group_all(glimpse_dedup *dedup);
int glimpse_dedup_group_against(glimpse_dedup *dedup);
int glimpse_dedup_make_report(glimpse_dedup *dedup, glimpse_dedup_report **out);

int glimpse_dedup_add_hint(glimpse_dedup *dedup, size_t *capacity, const glimpse_dedup_hint *hint);

/* The thumbnail of an item: the kept one, or decoded again into `spare`. NULL when the file cannot
 * be read any more (the message is set). */
const glimpse_thumb *glimpse_dedup_thumb(const glimpse_dedup *dedup, size_t item,
                                         glimpse_thumb *spare);
/* Fills `edge` (a, b given) from a comparison starting with `guess` (b to a, turn included; NULL:
 * the same view). 1 when they are related up to NEAR_SHOT, 0 when not, negative on failure. */
int glimpse_dedup_compare(const glimpse_dedup *dedup, glimpse_dedup_edge *edge,
                          const glimpse_warp *guess);
const glimpse_dedup_edge *glimpse_dedup_find_edge(const glimpse_dedup *dedup, uint32_t a,
                                                  uint32_t b);

/* The guess of a hint: b to a, turn included. */
glimpse_warp glimpse_dedup_guess(const glimpse_dedup *dedup, const glimpse_dedup_hint *hint);
/* EXIF orientation 1..8 as a warp: a place in the turned picture to the place in the stored one. */
glimpse_warp glimpse_dedup_orientation_warp(int orientation);

/* Resolves the directories of options.keep and options.protect, and checks the rules. */
int glimpse_dedup_load_rules(glimpse_dedup *dedup);
/* What a choice of keepers goes by and a scan does not measure. */
int glimpse_dedup_measure_for_rules(glimpse_dedup *dedup);
/* Bits a sample that a file's header announces, 0 when it does not or cannot be read. */
unsigned glimpse_dedup_read_depth(const char *path);
/* Of two names of one file, which is to be called its path: negative for `a`. */
int glimpse_dedup_compare_names(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                                const glimpse_dedup_item *b);
/* Negative when `a` is to be kept rather than `b`. */
int glimpse_dedup_rank(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                       const glimpse_dedup_item *b);
/* Why `keeper` is kept rather than `other`, malloc'ed. */
char *glimpse_dedup_reason(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                           const glimpse_dedup_item *other);
/* What was done to make `item` of `keeper` or the other way round, malloc'ed. */
char *glimpse_dedup_differences(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                                const glimpse_dedup_item *item, const glimpse_dedup_entry *member);

/* What options->decide says; equal contents are one pair. */
int glimpse_dedup_decided(const glimpse_dedup *dedup, size_t a, size_t b);
/* 1 when options.weakest keeps such a pair out of groups. */
int glimpse_dedup_too_weak(const glimpse_dedup *dedup, glimpse_dedup_relation relation);

/* Notes a pair that is too weak, and (dedup_weaker.c), once there are groups, counts the files that
 * such pairs would add to them. */
int glimpse_dedup_note_weak(glimpse_dedup *dedup, uint32_t a, uint32_t b,
                            glimpse_dedup_relation relation);
int glimpse_dedup_count_weak(glimpse_dedup *dedup);

/* Appends a group of `count` members; they are copied. Sorts all but the keeper. */
int glimpse_dedup_add_cluster(glimpse_dedup *dedup, const glimpse_dedup_entry *members,
                              size_t count);

int glimpse_dedup_fill_leak(const glimpse_dedup *dedup, glimpse_dedup_report *report);

void glimpse_dedup_release(glimpse_dedup *dedup);

#endif
