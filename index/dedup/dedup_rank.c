/*
 * index/dedup/dedup_rank.c - which of several copies to keep, and why.
 *
 * First what must be kept, then the rules that were asked for in their order. What they leave open:
 * pixels (those of a frame do not count), colours, what the file holds beside them, whether its end
 * is there, what nobody wrote upon, then the version that most others show unchanged (that is the
 * original, and what differs from it was edited), then what the format kept of them, before copies
 * of it that were saved again; then what the file says of itself, then the date taken; then names,
 * since a file's own date is easily that of a copy; the path decides ties, so that the order is
 * total and the same in every run. What a criterion needs of other pictures is worked out
 * beforehand (dedup_origin.c).
 */
#include "dedup_holdings.h"

#include "companions.h"
#include "copy_names.h"
#include "core/error.h"
#include "file_paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int by_pixels(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->effective < b->effective) - (a->effective > b->effective);
}

/* Blown up, blurred, or coded coarsely before. */
static int by_softness(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->soft > b->soft) - (a->soft < b->soft);
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

/* A date burnt in, a logo, an arrow; or a form without its signature. */
static int by_blemishes(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->blemishes > b->blemishes) - (a->blemishes < b->blemishes);
}

/* Other tones than those it was taken with, or turned by some degrees. */
static int by_alterations(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->alterations > b->alterations) - (a->alterations < b->alterations);
}

static int by_quality(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return b->quality - a->quality;
}

/* It is as large a file as it is without need. */
static int by_source(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return a->is_resaved - b->is_resaved;
}

/* Every pixel may be there, but what the copying of a file broke off at is no copy. */
static int by_wholeness(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return a->is_cut - b->is_cut;
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
    return (a->written > b->written) - (a->written < b->written);
}

static int by_youth(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const glimpse_dedup_picture *p = &a->picture, *q = &b->picture;
    if (!p->taken[0] != !q->taken[0]) return p->taken[0] ? -1 : 1;
    return by_age(b, a);
}

/* A date of its own is worth more than one of a copy. */
static int by_date_taken(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const glimpse_dedup_picture *p = &a->picture, *q = &b->picture;
    if (!p->taken[0] != !q->taken[0]) return p->taken[0] ? -1 : 1;
    return strcmp(p->taken, q->taken);
}

static int by_depth(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->depth < b->depth) - (a->depth > b->depth);
}

static int by_protection(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return b->picture.is_protected - a->picture.is_protected;
}

/* A RAW, a video or a sidecar is easily forgotten beside a copy that goes. */
static int by_companions(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return (a->companions < b->companions) - (a->companions > b->companions);
}

/* What links lead to cannot go without them. */
static int by_links(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    int counts[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        const glimpse_dedup_picture *p = k ? &b->picture : &a->picture;
        for (size_t i = 0; i < p->name_count && !counts[k]; i++)
            counts[k] = p->names[i].is_symbolic_link;
    }
    return counts[1] - counts[0];
}

/* A link to what was not looked at cannot be kept in place of a file. */
static int by_link(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return a->picture.is_link - b->picture.is_link;
}

static int by_marks(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const unsigned x = glimpse_copy_marks(a->picture.path), y = glimpse_copy_marks(b->picture.path);
    return (x > y) - (x < y);
}

static int by_length(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const size_t x = strlen(a->picture.path), y = strlen(b->picture.path);
    return (x > y) - (x < y);
}

static int by_path(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return strcmp(a->picture.path, b->picture.path);
}

typedef int (*criterion)(const glimpse_dedup_item *a, const glimpse_dedup_item *b);

static const criterion of_rule[] = {
    [GLIMPSE_KEEP_LARGEST] = by_pixels, [GLIMPSE_KEEP_OLDEST] = by_age,
    [GLIMPSE_KEEP_NEWEST] = by_youth,   [GLIMPSE_KEEP_BEST_QUALITY] = by_quality,
    [GLIMPSE_KEEP_IN] = NULL,           [GLIMPSE_KEEP_DEEPEST] = by_depth,
    [GLIMPSE_KEEP_RICHEST] = by_exif,
};
enum { RULES = sizeof of_rule / sizeof *of_rule };

static const criterion before_rules[] = {by_protection, by_link};
static const criterion after_rules[] = {
    by_softness,  by_pixels,      by_colour,  by_holdings, by_wholeness, by_blemishes,
    by_agreement, by_alterations, by_quality, by_source,   by_exif,      by_companions,
    by_links,     by_date_taken,  by_marks,   by_age,      by_length,    by_path};
/* Those that need nothing of the pictures. */
static const criterion of_names[] = {by_link, by_marks, by_length, by_path};

/* What decided: a criterion, or the directory of a rule. */
typedef struct decision {
    int order;
    criterion by;
    const char *directory;
} decision;

static decision try_all(const criterion *list, size_t count, const glimpse_dedup_item *a,
                        const glimpse_dedup_item *b) {
    for (size_t i = 0; i < count; i++) {
        int order = list[i](a, b);
        if (order) return (decision){order, list[i], NULL};
    }
    return (decision){0};
}
#define TRY_ALL(list, a, b) try_all((list), sizeof(list) / sizeof *(list), (a), (b))

static decision try_directory(const char *directory, const glimpse_dedup_item *a,
                              const glimpse_dedup_item *b) {
    const int order = glimpse_path_is_below(b->picture.path, directory) -
                      glimpse_path_is_below(a->picture.path, directory);
    return (decision){order, NULL, directory};
}

static decision decide(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                       const glimpse_dedup_item *b) {
    const glimpse_dedup_options *options = dedup->options;
    decision d = TRY_ALL(before_rules, a, b);
    for (size_t i = 0; i < options->keep_count && d.order == 0; i++) {
        const criterion by = of_rule[options->keep[i].rule];
        d = by ? try_all(&by, 1, a, b) : try_directory(dedup->keep_directories[i], a, b);
    }
    return d.order ? d : TRY_ALL(after_rules, a, b);
}

int glimpse_dedup_rank(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                       const glimpse_dedup_item *b) {
    /* The second set is what the first is held against. */
    if (a->picture.set != b->picture.set) return b->picture.set - a->picture.set;
    return decide(dedup, a, b).order;
}

int glimpse_dedup_compare_names(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                                const glimpse_dedup_item *b) {
    decision d = TRY_ALL(before_rules, a, b);
    for (size_t i = 0; i < dedup->options->keep_count && d.order == 0; i++) {
        if (dedup->options->keep[i].rule == GLIMPSE_KEEP_IN)
            d = try_directory(dedup->keep_directories[i], a, b);
    }
    return d.order ? d.order : TRY_ALL(of_names, a, b).order;
}

/* Resolves a directory that an option names. */
static int load_directory(char **out, const char *given, const char *option) {
    *out = glimpse_path_real(given);
    return *out ? GLIMPSE_OK
                : glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no such folder, for %s", given,
                               glimpse_wording(option, NULL));
}

int glimpse_dedup_load_rules(glimpse_dedup *dedup) {
    const glimpse_dedup_options *options = dedup->options;
    int status = GLIMPSE_OK;
    if ((options->keep_count > 0 && !options->keep) ||
        (options->protect_count > 0 && !options->protect)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "rules or folders are announced and not given");
    }
    dedup->keep_directories = calloc(options->keep_count + 1, sizeof *dedup->keep_directories);
    dedup->protect = calloc(options->protect_count + 1, sizeof *dedup->protect);
    if (!dedup->keep_directories || !dedup->protect) return glimpse_fail_nomem(64, "rules");
    for (size_t i = 0; i < options->keep_count && status == GLIMPSE_OK; i++) {
        const glimpse_dedup_keep_rule *rule = &options->keep[i];
        if ((unsigned)rule->rule >= RULES) {
            status = glimpse_fail(GLIMPSE_E_INVALID, "there is no rule %d for what to keep",
                                  (int)rule->rule);
        } else if (rule->rule == GLIMPSE_KEEP_IN) {
            status =
                rule->directory
                    ? load_directory(&dedup->keep_directories[i], rule->directory, "options.keep")
                    : glimpse_fail(GLIMPSE_E_INVALID, "no folder is given to keep files in");
        }
    }
    for (size_t i = 0; i < options->protect_count && status == GLIMPSE_OK; i++)
        status = load_directory(&dedup->protect[i], options->protect[i], "options.protect");
    return status;
}

/* Items come by path, so that those of a directory are mostly together. */
static int count_companions(glimpse_dedup *dedup) {
    glimpse_companion_names names = {0};
    char *directory = NULL;
    int error = 0;
    for (size_t i = 0; i < dedup->count && !error; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        const char *slash = strrchr(item->picture.path, '/');
        const size_t length = (size_t)(slash - item->picture.path);
        if (!directory || strlen(directory) != length ||
            strncmp(directory, item->picture.path, length) != 0) {
            glimpse_companion_names_free(&names);
            free(directory);
            directory = strndup(item->picture.path, length);
            error = directory ? glimpse_companion_names_load(&names, *directory ? directory : "/")
                              : ENOMEM;
        }
        if (!error) item->companions = glimpse_companion_names_of(&names, slash + 1);
    }
    glimpse_companion_names_free(&names);
    free(directory);
    return error ? glimpse_fail_nomem(4096, "names") : GLIMPSE_OK;
}

int glimpse_dedup_measure_for_rules(glimpse_dedup *dedup) {
    int wanted = 0;
    for (size_t i = 0; i < dedup->options->keep_count; i++)
        wanted |= dedup->options->keep[i].rule == GLIMPSE_KEEP_DEEPEST;
    for (size_t i = 0; wanted && i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        if (item->status == GLIMPSE_OK) item->depth = glimpse_dedup_read_depth(item->picture.path);
    }
    return count_companions(dedup);
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
    if (item->is_resaved) {
        (void)snprintf(text, size, "%s with the pixels of a file of quality %d", p->format,
                       item->quality);
    } else if (p->quality == 101) {
        (void)snprintf(text, size, "lossless %s", p->format);
    } else if (p->quality > 0) {
        (void)snprintf(text, size, "%s quality %d", p->format, p->quality);
    } else {
        (void)snprintf(text, size, "%s", p->format);
    }
}

static void add_dates(char *text, size_t size, const char *word, const glimpse_dedup_item *keeper,
                      const glimpse_dedup_item *other) {
    const int taken = strcmp(keeper->picture.taken, other->picture.taken) != 0;
    char a[160], b[160];
    describe_date(keeper, taken, a, sizeof a);
    describe_date(other, taken, b, sizeof b);
    /* "taken A instead of B", but "taken A instead of modified B". */
    const size_t first = strcspn(a, " ") + 1;
    const char *second = strncmp(a, b, first) == 0 ? b + first : b;
    (void)snprintf(text, size, "kept because it is %s: %s instead of %s", word, a, second);
}

/* "kept because it lies in DIRECTORY, which OPTION names", malloc'ed. */
static char *named_by(const char *directory, const char *option) {
    const char *called = glimpse_wording(option, NULL);
    const size_t size = strlen(directory) + strlen(called) + 64;
    char *text = malloc(size);
    if (text) {
        (void)snprintf(text, size, "kept because it lies in %s, which %s names", directory, called);
    }
    return text;
}

static char *protected_by(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper) {
    const char *directory = NULL;
    for (size_t i = 0; i < dedup->options->protect_count && !directory; i++) {
        if (glimpse_path_is_below(keeper->picture.path, dedup->protect[i]))
            directory = dedup->protect[i];
    }
    /* Another of its names lies there, or the directory has other paths. */
    return directory ? named_by(directory, "options.protect")
                     : strdup("kept because it is a file of a protected folder");
}

/* Kinds of which the other has something too, only not the same, are no more of it. */
static void describe_holdings(char *text, size_t size, const glimpse_dedup *dedup,
                              const glimpse_dedup_item *keeper, const glimpse_dedup_item *other) {
    const uint32_t own = glimpse_dedup_lacking(dedup, keeper, other),
                   others = glimpse_dedup_lacking(dedup, other, keeper), different = own & others;
    char held[180], lost[180];
    glimpse_dedup_holdings_words(held, sizeof held, dedup, keeper, own & ~different);
    glimpse_dedup_holdings_words(lost, sizeof lost, dedup, other, others & ~different);
    if (!others) {
        (void)snprintf(text, size, "kept because it holds more: %s", held);
    } else if (held[0]) {
        (void)snprintf(text, size,
                       "kept because it holds more in all: %s; each holds something of its own",
                       held);
        if (lost[0]) {
            const size_t used = strlen(text);
            (void)snprintf(text + used, size - used, ", the other %s", lost);
        }
    } else {
        glimpse_dedup_holdings_words(held, sizeof held, dedup, keeper, own);
        (void)snprintf(text, size,
                       "kept because it says more, though each holds something of its own (%s)",
                       held);
    }
}

char *glimpse_dedup_reason(const glimpse_dedup *dedup, const glimpse_dedup_item *keeper,
                           const glimpse_dedup_item *other) {
    char text[512] = "kept because its path comes first; nothing else tells them apart", a[160],
         b[160];
    const glimpse_dedup_picture *p = &keeper->picture, *q = &other->picture;
    if (p->set != q->set) return strdup("kept because it is in the set that is compared with");
    const decision d = decide(dedup, keeper, other);
    if (d.directory) return named_by(d.directory, "options.keep");
    if (d.by == by_protection) return protected_by(dedup, keeper);
    if (d.by == by_link) {
        (void)snprintf(text, sizeof text, "kept because the other is only a link to a file");
    } else if (d.by == by_pixels) {
        const int framed = (double)p->width * p->height <= (double)q->width * q->height;
        (void)snprintf(
            text, sizeof text,
            "kept because it is larger%s: %" PRIu32 "x%" PRIu32 " instead of %" PRIu32 "x%" PRIu32,
            framed ? " when frames are left aside" : "", p->width, p->height, q->width, q->height);
    } else if (d.by == by_colour) {
        (void)snprintf(text, sizeof text, "kept because it is in colour");
    } else if (d.by == by_softness) {
        (void)snprintf(text, sizeof text,
                       "kept because there is more detail in it, whatever size and coding say");
    } else if (d.by == by_holdings) {
        describe_holdings(text, sizeof text, dedup, keeper, other);
    } else if (d.by == by_blemishes) {
        const glimpse_dedup_edge *edge = glimpse_dedup_find_edge(
            dedup, dedup->first_of[keeper->class], dedup->first_of[other->class]);
        (void)snprintf(text, sizeof text, "kept because %s",
                       edge && edge->detail && edge->detail->written
                           ? "the other lacks what is written on it"
                           : "the other seems to be written upon");
    } else if (d.by == by_agreement) {
        (void)snprintf(text, sizeof text,
                       "kept because it seems to be unedited: %" PRIu32
                       " other versions show just the same",
                       keeper->agreeing);
    } else if (d.by == by_alterations) {
        (void)snprintf(text, sizeof text,
                       "kept because the other seems to be made of it, with other tones or turned");
    } else if (d.by == by_quality) {
        describe_quality(keeper, a, sizeof a);
        describe_quality(other, b, sizeof b);
        (void)snprintf(text, sizeof text, "kept because its quality is better: %s instead of %s", a,
                       b);
    } else if (d.by == by_source) {
        (void)snprintf(
            text, sizeof text,
            "kept because the other (%s) is this picture saved again, with the same pixels",
            q->format);
    } else if (d.by == by_wholeness) {
        (void)snprintf(text, sizeof text,
                       "kept because it is whole: the end of the other file is missing");
    } else if (d.by == by_depth) {
        (void)snprintf(text, sizeof text,
                       "kept because it is deeper: %u bits a sample instead of %u", keeper->depth,
                       other->depth);
    } else if (d.by == by_exif) {
        (void)snprintf(text, sizeof text,
                       "kept because it says more of itself (date, camera, place)");
    } else if (d.by == by_companions) {
        (void)snprintf(text, sizeof text,
                       "kept because files that belong to it are beside it (RAW, video, sidecar)");
    } else if (d.by == by_links) {
        (void)snprintf(text, sizeof text, "kept because a link leads to it");
    } else if (d.by == by_date_taken && !q->taken[0]) {
        (void)snprintf(text, sizeof text, "kept because it says when it was taken: %s", p->taken);
    } else if (d.by == by_age || d.by == by_date_taken) {
        add_dates(text, sizeof text, "older", keeper, other);
    } else if (d.by == by_youth) {
        add_dates(text, sizeof text, "newer", keeper, other);
    } else if (d.by == by_marks) {
        (void)snprintf(text, sizeof text,
                       "kept because the other is named like a copy; nothing in them differs");
    } else if (d.by == by_length) {
        (void)snprintf(text, sizeof text,
                       "kept because its path is shorter; nothing else tells them apart");
    }
    return strdup(text);
}
