/*
 * index/dedup/dedup_rank.c - which of several copies to keep, and why.
 *
 * Pixels first (those of a frame do not count), colours, what the file holds beside them, then the
 * version that most others show unchanged (that is the original, and what differs from it was
 * edited), then what the format kept of them, then what the file says of itself, then age; the path
 * decides ties, so that the order is total and the same in every run.
 */
#include "dedup_holdings.h"

#include "file_paths.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A quality that is not known is taken for a usual one; a palette of 256 colours for a poor one. */
static int quality_of(const glimpse_dedup_picture *p) {
    if (p->quality > 0) return p->quality;
    return strcmp(p->format, "GIF") == 0 ? 40 : 75;
}

static int by_pixels(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->effective < b->effective) - (a->effective > b->effective);
}

/* A grey copy of a picture in colour has lost something. */
static int by_colour(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return a->picture.measures.grey - b->picture.measures.grey;
}

/* Where a copy holds more, its picture is no smaller one: that is decided before. */
static int by_holdings(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->worth < b->worth) - (a->worth > b->worth);
}

/* An edit is like the original, and the other copies of the original are not like the edit. */
static int by_agreement(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->agreeing < b->agreeing) - (a->agreeing > b->agreeing);
}

static int by_quality(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return quality_of(&b->picture) - quality_of(&a->picture);
}

static int by_exif(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return b->picture.exif - a->picture.exif;
}

static int by_age(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const glimpse_dedup_picture *p = &a->picture, *q = &b->picture;
    if (p->taken[0] && q->taken[0]) {
        int order = strcmp(p->taken, q->taken);
        if (order) return order;
    } else if (p->taken[0] || q->taken[0]) {
        return p->taken[0] ? -1 : 1; /* a date of its own is worth more than one of a copy */
    }
    return (p->mtime_ns > q->mtime_ns) - (p->mtime_ns < q->mtime_ns);
}

static int by_youth(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const glimpse_dedup_picture *p = &a->picture, *q = &b->picture;
    if (!p->taken[0] != !q->taken[0]) return p->taken[0] ? -1 : 1;
    return by_age(b, a);
}

typedef int (*criterion)(const glimpse_dedup_item *a, const glimpse_dedup_item *b);
enum { CRITERIA = 8 };

static int is_inside(const glimpse_dedup *dedup, const glimpse_dedup_item *item) {
    return dedup->keep_path && glimpse_path_is_below(item->picture.path, dedup->keep_path);
}

/* The order of criteria for what was asked, NULL at the end. */
static void criteria_of(glimpse_dedup_keep keep, criterion list[CRITERIA + 1]) {
    size_t n = 0;
    if (keep == GLIMPSE_KEEP_OLDEST) list[n++] = by_age;
    if (keep == GLIMPSE_KEEP_NEWEST) list[n++] = by_youth;
    if (keep == GLIMPSE_KEEP_BEST_QUALITY) list[n++] = by_quality;
    list[n++] = by_pixels;
    list[n++] = by_colour;
    list[n++] = by_holdings;
    list[n++] = by_agreement;
    if (keep != GLIMPSE_KEEP_BEST_QUALITY) list[n++] = by_quality;
    list[n++] = by_exif;
    if (keep != GLIMPSE_KEEP_OLDEST && keep != GLIMPSE_KEEP_NEWEST) list[n++] = by_age;
    while (n <= CRITERIA)
        list[n++] = NULL;
}

int glimpse_dedup_rank(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                       const glimpse_dedup_item *b) {
    criterion list[CRITERIA + 1];
    /* The second set is what the first is held against. */
    if (a->picture.set != b->picture.set) return b->picture.set - a->picture.set;
    if (dedup->options->keep == GLIMPSE_KEEP_IN) {
        int order = is_inside(dedup, b) - is_inside(dedup, a);
        if (order) return order;
    }
    criteria_of(dedup->options->keep, list);
    for (size_t i = 0; list[i]; i++) {
        int order = list[i](a, b);
        if (order) return order;
    }
    return strcmp(a->picture.path, b->picture.path);
}

static void describe_date(const glimpse_dedup_item *item, int taken, char *text, size_t size) {
    if (taken && item->picture.taken[0]) {
        (void)snprintf(text, size, "taken %s", item->picture.taken);
        return;
    }
    time_t seconds = (time_t)(item->picture.mtime_ns / INT64_C(1000000000));
    struct tm parts;
    char date[64] = "";
    if (gmtime_r(&seconds, &parts)) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text, size, "modified %s", date);
}

static void describe_quality(const glimpse_dedup_item *item, char *text, size_t size) {
    const glimpse_dedup_picture *p = &item->picture;
    if (p->quality == 101) {
        (void)snprintf(text, size, "lossless %s", p->format);
    } else if (p->quality > 0) {
        (void)snprintf(text, size, "%s quality %d", p->format, p->quality);
    } else {
        (void)snprintf(text, size, "%s", p->format);
    }
}

char *glimpse_dedup_reason(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                           const glimpse_dedup_item *other) {
    char text[512] = "first by path; nothing else tells them apart", a[160], b[160];
    const glimpse_dedup_picture *p = &keeper->picture, *q = &other->picture;
    criterion list[CRITERIA + 1], decides = NULL;
    if (p->set != q->set) return strdup("in the set it is held against");
    if (dedup->options->keep == GLIMPSE_KEEP_IN && is_inside(dedup, keeper) &&
        !is_inside(dedup, other))
        return strdup("in the folder to keep");
    criteria_of(dedup->options->keep, list);
    for (size_t i = 0; list[i] && !decides; i++) {
        if (list[i](keeper, other)) decides = list[i];
    }
    if (decides == by_pixels) {
        (void)snprintf(
            text, sizeof text,
            "largest: %" PRIu32 "x%" PRIu32 " instead of %" PRIu32 "x%" PRIu32 "%s", p->width,
            p->height, q->width, q->height,
            (double)p->width * p->height <= (double)q->width * q->height ? " with its frame" : "");
    } else if (decides == by_colour) {
        (void)snprintf(text, sizeof text, "in colour");
    } else if (decides == by_holdings) {
        char held[400];
        glimpse_dedup_holdings_words(held, sizeof held, dedup, keeper,
                                     glimpse_dedup_lacking(dedup, keeper, other));
        (void)snprintf(text, sizeof text, "holds more: %s", held);
    } else if (decides == by_agreement) {
        (void)snprintf(text, sizeof text,
                       "unedited, as it seems: %" PRIu32 " other versions show just the same",
                       keeper->agreeing);
    } else if (decides == by_quality) {
        describe_quality(keeper, a, sizeof a);
        describe_quality(other, b, sizeof b);
        (void)snprintf(text, sizeof text, "best quality: %s instead of %s", a, b);
    } else if (decides == by_exif) {
        (void)snprintf(text, sizeof text, "says more of itself (date, camera, place)");
    } else if (decides) {
        int taken = strcmp(p->taken, q->taken) != 0;
        describe_date(keeper, taken, a, sizeof a);
        describe_date(other, taken, b, sizeof b);
        if (strcmp(a, b) == 0) (void)snprintf(b, sizeof b, "another moment of that second");
        (void)snprintf(text, sizeof text, "%s: %s instead of %s",
                       decides == by_age ? "oldest" : "newest", a, b);
    }
    return strdup(text);
}
