/*
 * index/dedup/dedup_texts.c - names of kinds and relations, and what tells a copy from its keeper
 * in words.
 */
#include "dedup_holdings.h"

#include "core/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *glimpse_dedup_kind_name(glimpse_dedup_kind kind) {
    static const char *const names[] = {"exact", "perceptual", "semantic"};
    return (unsigned)kind < 3 ? names[kind] : "?";
}

const char *glimpse_dedup_relation_name(glimpse_dedup_relation relation) {
    static const char *const names[] = {"identical", "re-encoded", "holds-more", "edited",
                                        "near-shot", "variant",    "similar"};
    return (unsigned)relation < sizeof names / sizeof *names ? names[relation] : "?";
}

typedef struct text {
    char buffer[1600];
    size_t length;
} text;

static void add(text *t, const char *format, ...) GLIMPSE_PRINTF(2, 3);
static void add(text *t, const char *format, ...) {
    va_list arguments;
    size_t left = sizeof t->buffer - t->length;
    if (t->length > 0 && left > 3) {
        memcpy(t->buffer + t->length, "; ", 3);
        t->length += 2;
        left -= 2;
    }
    va_start(arguments, format);
    int n = vsnprintf(t->buffer + t->length, left, format, arguments);
    va_end(arguments);
    if (n > 0) t->length += (size_t)n < left ? (size_t)n : left - 1;
}

static void add_orientation(text *t, int orientation) {
    static const char *const names[9] = {NULL,
                                         NULL,
                                         "mirrored left to right",
                                         "turned upside down",
                                         "mirrored top to bottom",
                                         "mirrored along a diagonal",
                                         "turned by 90 degrees",
                                         "mirrored along a diagonal",
                                         "turned by 90 degrees"};
    if (orientation >= 2 && orientation <= 8) add(t, "%s", names[orientation]);
}

/* `c`: keeper first. */
static void add_edits(text *t, const glimpse_dedup_item *keeper, const glimpse_dedup_item *item,
                      const glimpse_comparison *c) {
    if (c->edits & GLIMPSE_EDIT_FRAMED) {
        double k = (double)(keeper->content.x1 - keeper->content.x0) *
                   (double)(keeper->content.y1 - keeper->content.y0);
        double m = (double)(item->content.x1 - item->content.x0) *
                   (double)(item->content.y1 - item->content.y0);
        add(t, m < k ? "framed" : "without the frame");
    }
    if (c->edits & GLIMPSE_EDIT_CROPPED) {
        if (c->covered[0] < c->covered[1] - 0.01) {
            add(t, "cropped to %.0f%%", c->covered[0] * 100);
        } else if (c->covered[1] < c->covered[0] - 0.01) {
            add(t, "shows more: the keeper is %.0f%% of it", c->covered[1] * 100);
        } else {
            add(t, "cut in another way");
        }
    }
    if (c->edits & GLIMPSE_EDIT_ROTATED) add(t, "rotated by %.1f degrees", fabs(c->angle));
    if (c->edits & GLIMPSE_EDIT_STRETCHED) add(t, "stretched");
    if (c->edits & GLIMPSE_EDIT_TONES) {
        double middle = c->gain * 128 + c->bias - 128;
        if (c->gain > 1.07) add(t, "more contrast");
        if (c->gain < 0.93) add(t, "less contrast");
        if (middle > 6) add(t, "brighter");
        if (middle < -6) add(t, "darker");
    }
    if (item->picture.measures.grey != keeper->picture.measures.grey) {
        add(t, item->picture.measures.grey ? "in grey" : "in colour");
    } else if (c->edits & GLIMPSE_EDIT_COLOURS) {
        add(t, "other colours");
    }
    if (c->edits & GLIMPSE_EDIT_PARTS) add(t, "parts painted over or written upon");
    if (c->edits & GLIMPSE_EDIT_DETAIL) add(t, "more or less detail than its coding explains");
}

/* The date is said in words of its own where it is another one. */
static void add_holdings(text *t, const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                         const glimpse_dedup_item *item, int same_date) {
    for (unsigned k = 0; k < GLIMPSE_HOLDING_RESOLUTION; k++) {
        char difference[96];
        if (k == GLIMPSE_HOLDING_DATE && !same_date) continue;
        glimpse_dedup_holding_difference(difference, sizeof difference, dedup, keeper, item,
                                         (glimpse_holding_kind)k);
        if (difference[0]) add(t, "%s", difference);
    }
}

char *glimpse_dedup_differences(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                                const glimpse_dedup_item *item, const glimpse_dedup_entry *member) {
    const glimpse_dedup_picture *p = &keeper->picture, *q = &item->picture;
    text t = {{0}, 0};
    if (keeper->device == item->device && keeper->inode == item->inode && item->inode != 0) {
        add(&t, "the same file under another name");
    } else if (strcmp(p->id, q->id) == 0) {
        add(&t, "the same bytes");
    } else if (strcmp(p->pixels, q->pixels) == 0) {
        add(&t, "the same pixels");
    }
    if (p->width != q->width || p->height != q->height) {
        add(&t, "%" PRIu32 "x%" PRIu32 " instead of %" PRIu32 "x%" PRIu32, q->width, q->height,
            p->width, p->height);
    }
    if (strcmp(p->format, q->format) != 0) {
        add(&t, "%s instead of %s", q->format, p->format);
    } else if (p->quality != q->quality && p->quality > 0 && q->quality > 0) {
        add(&t, "%s quality %d instead of %d", q->format, q->quality, p->quality);
    }
    add_orientation(&t, member->orientation);
    if (member->relation == GLIMPSE_RELATION_REENCODED ||
        member->relation == GLIMPSE_RELATION_EDITED)
        add_edits(&t, keeper, item, &member->comparison);
    if (strcmp(p->taken, q->taken) != 0) {
        if (!q->taken[0]) {
            add(&t, "without its date");
        } else if (!p->taken[0]) {
            add(&t, "has a date: %s", q->taken);
        } else {
            add(&t, "taken %s instead of %s", q->taken, p->taken);
        }
    }
    add_holdings(&t, dedup, keeper, item, strcmp(p->taken, q->taken) == 0);
    return strdup(t.buffer);
}
