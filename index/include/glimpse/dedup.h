/*
 * glimpse/dedup.h - duplicates in directories and libraries, leakage between two sets, and what is
 * odd about the pictures of a data set.
 *
 *     const char *roots[] = {"/home/me/Pictures"};
 *     glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
 *     options.roots = roots, options.root_count = 1;
 *     const glimpse_dedup_keep_rule keep[] = {{GLIMPSE_KEEP_IN, "/home/me/Pictures/albums"},
 *                                             {GLIMPSE_KEEP_LARGEST, NULL}};
 *     options.keep = keep, options.keep_count = 2;          // as it is without, but for albums
 *     glimpse_dedup_report *report = NULL;
 *     if (glimpse_dedup_run(&report, &options) < 0) ...
 *     for (size_t g = 0; g < report->group_count; g++) {
 *         const glimpse_dedup_group *group = &report->groups[g];
 *         printf("%s: %s\n", group->members[0].picture->path, group->reason);
 *         for (size_t m = 1; m < group->count; m++) {
 *             const glimpse_dedup_member *member = &group->members[m];
 *             printf("  %s (%s)\n", member->picture->path, member->differences);
 *         }
 *     }
 *     glimpse_dedup_report_free(report);
 *
 * Three tiers find candidates: *exact* (equal bytes; equal pixels after decoding and orientation),
 * *perceptual* (64-bit DCT and difference hashes within a Hamming radius, found by multi-index
 * hashing), *semantic* (cosine of embeddings). What the last two find is then looked at: small
 * aligned thumbnails are compared over crops, scales and offsets, and only what is found there is
 * called the same picture. docs/dedup.md has the method and measured figures.
 *
 * Groups do not chain: every member of a group was compared with its keeper (members[0]) itself
 * and is within the thresholds of it. Groups of the same picture (relation up to EDITED) come
 * first; a file is in at most one of them. Near shots and similar pictures make groups of their
 * own, of keepers and of pictures in no group; a file is in at most one of those. So the keeper of
 * a group of the first sort can be keeper or member in one of the second: whoever acts on both
 * acts on the first sort first.
 *
 * Same input, same output: groups, keepers and texts do not depend on jobs or timing.
 *
 * Links: names of one file (symbolic and hard links, a directory that is reached twice) are one
 * picture with several names, and no duplicates of each other. A real copy beside them is one.
 *
 * Nothing here writes to a picture or to a directory. Hashes, measures and the thumbnails that were
 * looked at are kept in the library (when it is open for writing) for the contents it knows. The
 * next search takes them from there, without reading a file whose size, time and inode are those
 * that the library knows; an action on a file reads and hashes it again.
 *
 * Threads: a search makes its own workers (`jobs`); its libraries are its own while it runs, and
 * its callbacks come one at a time, from the thread that called or from a worker. Reports and
 * audits are immutable: share them.
 */
#ifndef GLIMPSE_DEDUP_H
#define GLIMPSE_DEDUP_H

#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/sys/fingerprint.h>
#include <glimpse/sys/holdings.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_dedup_kind {
    GLIMPSE_DEDUP_EXACT = 0,
    GLIMPSE_DEDUP_PERCEPTUAL = 1,
    GLIMPSE_DEDUP_SEMANTIC = 2
} glimpse_dedup_kind;

/* From strongest to weakest; "same picture" is everything up to EDITED. */
typedef enum glimpse_dedup_relation {
    GLIMPSE_RELATION_IDENTICAL = 0,  /* equal in all that the files hold */
    GLIMPSE_RELATION_REENCODED = 1,  /* other format, quality or size; same view and tones */
    GLIMPSE_RELATION_HOLDS_MORE = 2, /* the same first picture, and one file (or each) holds
                                        something that the other lacks */
    GLIMPSE_RELATION_EDITED = 3,     /* crop, border, tones, text, turned or mirrored */
    GLIMPSE_RELATION_NEAR_SHOT = 4,  /* another exposure of the same scene */
    GLIMPSE_RELATION_VARIANT = 5,    /* the same thing in another colour */
    GLIMPSE_RELATION_SIMILAR = 6     /* alike in content only */
} glimpse_dedup_relation;

GLIMPSE_API const char *glimpse_dedup_kind_name(glimpse_dedup_kind kind);             /* "exact" */
GLIMPSE_API const char *glimpse_dedup_relation_name(glimpse_dedup_relation relation); /* "edited" */

/* Another name of a file: a hard link to it, or a path that only leads to it (a symbolic link, a
 * directory seen a second time). */
typedef struct glimpse_dedup_name {
    const char *path;     /* absolute */
    int is_hard_link;     /* a directory entry of its own: the file stays while it is there */
    int is_symbolic_link; /* leads nowhere without the file */
} glimpse_dedup_name;

/* One file that was read. Strings are never NULL. Names of one file are one picture (see
 * glimpse_dedup_options.names_apart). */
typedef struct glimpse_dedup_picture {
    const char *path;   /* absolute */
    const char *label;  /* name of the directory it lies in, "" for files directly in a root */
    const char *format; /* "JPEG" */
    const char *taken;  /* "2021-05-30T14:03:59" or "" */
    const char *camera; /* or "" */
    char id[33];        /* of the content: XXH3-128 of the bytes */
    char pixels[33];    /* XXH3-128 of size and upright RGB, with transparency as seen */
    uint32_t width, height;
    uint64_t bytes;
    int64_t mtime_ns;
    int quality;        /* JPEG quality estimated from its tables, 1..100; 101: lossless; 0: not
                           known */
    int exif;           /* how much the file says of itself: 0..4 (date, camera, place, turned) */
    int is_transparent; /* 1: in places; measured as seen on white, or on grey where that would hide
                           it */
    uint64_t phash, dhash;
    int set; /* 0: under `roots`, 1: under `against` */
    glimpse_picture_measures measures;
    const float *embedding;    /* [report->embedding_size], unit length, or NULL */
    int taken_is_modification; /* 1: `taken` is EXIF's date of the last change, for want of others:
                                  it orders pictures, but tells no two shots apart */
    int is_protected;          /* lies in a directory of options.protect: never acted on */
    int is_link; /* `path` is a symbolic link, and what it leads to was not found: kept only
                    when there is nothing else, and never acted on */
    int reserved;
    const glimpse_dedup_name *names; /* [name_count] the others that were found, by path */
    size_t name_count;
    uint64_t links_elsewhere; /* hard links to the file that were not found: while they are there,
                                 removing it frees nothing */
    char picture_id[33]; /* the id of the picture in the library, which outlives edits of metadata;
                            `id` where none knows it */
} glimpse_dedup_picture;

/* A part of the keeper's picture, in fractions of its sides, upright. */
typedef struct glimpse_dedup_region {
    double x, y, width, height;
    double strength; /* how far it stands out: 1 is what recompression just explains */
} glimpse_dedup_region;

typedef struct glimpse_dedup_member {
    const glimpse_dedup_picture *picture;
    glimpse_dedup_kind kind;         /* the strongest tier that joins it to the keeper */
    glimpse_dedup_relation relation; /* to the keeper; IDENTICAL for the keeper itself */
    double score;    /* 0..1: 1 for identical; mean SSIM structure of the aligned thumbnails for
                        perceptual; cosine for semantic */
    int distance;    /* Hamming distance of the perceptual hashes, -1 when not compared */
    int orientation; /* EXIF, 1..8, that takes it to the keeper; 1: none */
    /* Where places of the keeper's picture are in this one, both upright and in fractions of their
     * sides: (v[0] x + v[1] y + v[2], v[3] x + v[4] y + v[5]). Zeros where they were not aligned.
     */
    double view[6];
    const char *differences; /* "half the size; JPEG quality 40 instead of 88; cropped to 81%", or
                                "" */
    /* What the file holds beside the 8-bit colours of its first picture: "pages:11", "video",
     * "alpha", "depth:16", "caption", ...; in the order of the list in docs/dedup.md. */
    const char *const *holds;
    size_t hold_count;
    /* Where an edited copy differs from the keeper, strongest first. */
    const glimpse_dedup_region *regions;
    size_t region_count;
    /* 1u << glimpse_holding_kind for what the file holds and its keeper lacks: what would be lost
     * with it. */
    uint32_t lacking_in_keeper;
    int same_file; /* the keeper's own file under another name (only between two sets, or with
                      options.names_apart): removing it frees nothing, and it is never acted on */
} glimpse_dedup_member;

typedef struct glimpse_dedup_group {
    glimpse_dedup_kind kind;             /* the weakest member's */
    glimpse_dedup_relation relation;     /* the weakest member's */
    const glimpse_dedup_member *members; /* [0] is the keeper, then by relation, score, path */
    size_t count;                        /* at least 2 */
    const char *reason; /* "kept because it is larger: 4000x3000 instead of 2000x1500" */
    int labels_differ;  /* the same picture (up to EDITED) under different labels */
} glimpse_dedup_group;

typedef struct glimpse_dedup_failure {
    const char *path, *reason; /* without the path */
    int status;                /* GLIMPSE_E_... */
    int set;
} glimpse_dedup_failure;

/* Leakage: pictures of set 0 that are also in set 1. */
typedef struct glimpse_dedup_leak {
    const char *label; /* NULL for the total */
    uint64_t pictures; /* of set 0 */
    uint64_t leaked;   /* of them, those with the same picture (up to EDITED) in set 1 */
    uint64_t exact, reencoded, holds_more, edited; /* leaked, by relation */
    uint64_t near_shot, variant, similar;          /* not counted as leaked */
    uint64_t conflicting;                          /* leaked, but under another label in set 1 */
    double rate;                                   /* leaked / pictures, 0 when there are none */
} glimpse_dedup_leak;

typedef struct glimpse_dedup_report {
    const glimpse_dedup_group *groups; /* by kind, relation, then the keeper's path */
    size_t group_count;
    const glimpse_dedup_picture *pictures; /* all that were read, set 0 first, by path */
    size_t picture_count;
    const glimpse_dedup_failure *failed; /* by path */
    size_t failed_count;
    uint64_t scanned;                      /* pictures found: read and failed, both sets */
    uint64_t decided;                      /* pairs left out because `decide` said so */
    uint64_t conflicts;                    /* groups with labels_differ */
    glimpse_dedup_leak leak;               /* total; zeros without a second set */
    const glimpse_dedup_leak *leak_labels; /* by label; empty without a second set */
    size_t leak_label_count;
    size_t embedding_size;
    double min_similarity; /* cosine from which pictures were candidates; 0: not searched */
    uint64_t candidates;   /* pairs that hashes and embeddings proposed */
    uint64_t verified;     /* of them, those that the pixels confirmed as the same picture */
    uint64_t cached;       /* pictures that were not decoded: the library knows all about them */
    double seconds, seconds_read, seconds_match; /* wall clock */
    size_t peak_bytes;                           /* estimate of what the run held at most */
    uint64_t nomedia;     /* directories left out for a .nomedia or .noimage in them */
    uint64_t other_names; /* names of files that are pictures under another one: not in `scanned` */
    const char *const *roots; /* [root_count] the first set's, absolute and without links */
    size_t root_count;
    uint64_t decoded; /* pictures that were decoded to be measured: of files of equal bytes one */
    /* Files that options.weakest kept out of groups, by relation: so many would be beside a keeper
     * without it. What is too weak is not compared further, so that a search without it may find
     * weaker relations among them. */
    uint64_t left_out[GLIMPSE_RELATION_SIMILAR + 1];
} glimpse_dedup_report;

/* What makes a picture the one to keep. Rules apply in the order given; what they leave open is
 * decided by LARGEST, colour, what it holds, a file that was not cut, nothing written upon it,
 * agreement with other versions, tones and corners (of edits), BEST_QUALITY, RICHEST, what lies
 * beside it (RAW, video, sidecars: see glimpse/actions.h), links to it, the date taken, a path that
 * does not look like that of a copy ("copy", "backup", "(1)"), the date of the file, the shorter
 * path, the path. Dates of files that follow each other within 2 seconds count as equal. */
typedef enum glimpse_dedup_keep {
    GLIMPSE_KEEP_LARGEST = 0,      /* pixels; those of a frame do not count */
    GLIMPSE_KEEP_OLDEST = 1,       /* date taken, else of the file */
    GLIMPSE_KEEP_NEWEST = 2,       /* the same */
    GLIMPSE_KEEP_BEST_QUALITY = 3, /* lossless (unless it has the pixels of a file with loss, which
                                      then counts), or the quality of a JPEG */
    GLIMPSE_KEEP_IN = 4,           /* below `directory` */
    GLIMPSE_KEEP_DEEPEST = 5,      /* bits a sample */
    GLIMPSE_KEEP_RICHEST = 6       /* what the file says of itself: date, camera, place, ... */
} glimpse_dedup_keep;
typedef struct glimpse_dedup_keep_rule {
    glimpse_dedup_keep rule;
    const char *directory; /* for IN; it must exist */
} glimpse_dedup_keep_rule;

enum { /* tiers */
       GLIMPSE_TIER_EXACT = 1,
       GLIMPSE_TIER_PERCEPTUAL = 2,
       GLIMPSE_TIER_SEMANTIC = 4 /* needs a model */
};

/* What was decided about two contents before. */
enum {
    GLIMPSE_DECIDED_NOTHING = 0,
    GLIMPSE_DECIDED_NOT_DUPLICATES = 1,
    GLIMPSE_DECIDED_KEEP_ALL = 2
};
/* `a` and `b` are content ids with a <= b; equal ids stand for files of equal bytes (only KEEP_ALL
 * makes sense for them). Called from the thread of glimpse_dedup_run. A pair with a decision is
 * never put into one group as keeper and member. */
typedef int (*glimpse_dedup_decide_fn)(void *user, const char *a, const char *b);

/* glimpse_progress with stages "reading pictures" and "comparing"; a non-zero return cancels. */
typedef struct glimpse_dedup_options {
    size_t size;              /* GLIMPSE_DEDUP_OPTIONS_INIT sets it */
    const char *const *roots; /* directories or files; none: every present file of `library` */
    size_t root_count;
    const char *const *against; /* second set: directories or files, or ... */
    size_t against_count;
    glimpse_library *against_library; /* ... the present files of a library; or NULL */
    glimpse_library *library;         /* where stored embeddings come from; may be NULL */
    const glimpse_model *model; /* for the semantic tier and embeddings; pictures that the library
                                   does not know are embedded. NULL: no embeddings */
    const char *const *exclude; /* as in glimpse_ingest_options */
    size_t exclude_count;
    int follow_links;
    uint64_t min_bytes;    /* smaller files are left out, as if they were not there */
    unsigned tiers;        /* GLIMPSE_TIER_...; 0: EXACT and PERCEPTUAL, and SEMANTIC when
                              there is a model */
    unsigned radius;       /* Hamming radius for candidates, at most 20; 0: the default (12) */
    double min_similarity; /* cosine for the semantic tier; 0: follows the model: 1 - 0.1 (1 - m)
                              with m the median cosine of two pictures of the set (0.96 for less
                              than 32 pictures). The report says which it was */
    int rotations;         /* also in the 8 orientations: turned and mirrored */
    int same_picture_only; /* only relations up to EDITED */
    unsigned weakest;      /* 0: no limit; else 1 + the weakest relation that may join two files.
                              Groups are then made of such pairs alone: what an action may touch */
    const glimpse_dedup_keep_rule *keep; /* [keep_count], applied in this order */
    size_t keep_count;
    unsigned jobs;       /* 0: one per core; GLIMPSE_E_LIMIT above 1024 */
    uint64_t max_pixels; /* 0: GLIMPSE_DEFAULT_MAX_PIXELS */
    int embed;           /* keep embeddings in the report even without the semantic tier */
    int no_matching;     /* only read: pictures with measures, for an audit */
    glimpse_progress_fn progress;
    glimpse_dedup_decide_fn decide;
    void *user; /* for both callbacks */
    /* Embeddings only, as in glimpse_ingest_options; all else is worked out from every pixel. */
    int exact_decode;
    int reserved;
    int include_nomedia; /* as in glimpse_ingest_options */
    /* 1: every name of a file is a picture of its own, as where classes are made of links. Members
     * that are the keeper's own file say so. (An audit always looks at it so.) */
    int names_apart;
    /* Directories of reference, which must exist. What lies in them, links followed, is kept and
     * never acted on. They are searched too: what lies in none of the roots is a keeper, if
     * anything. (With a second set they only protect.) */
    const char *const *protect;
    size_t protect_count;
    /* Of `library`, without roots, only files that pass within, after, before, labels and
     * where of it; NULL: all. */
    const glimpse_search_options *filter;
} glimpse_dedup_options;

static inline glimpse_dedup_options glimpse_dedup_options_init(void) {
    glimpse_dedup_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_DEDUP_OPTIONS_INIT glimpse_dedup_options_init()

/* With a second set, groups join the two sets only: the keeper is the picture of set 1 (whatever
 * `keep` says), the members are pictures of set 0. The two sets must not overlap
 * (glimpse_dedup_check_sets); a file of one that is a link to a file of the other is fine.
 *
 * GLIMPSE_OK also when files failed: see the report. GLIMPSE_E_NOT_FOUND when a root or a directory
 * of `keep` or `protect` is not there; GLIMPSE_E_INVALID for the semantic tier without a model and
 * for sets that overlap; GLIMPSE_E_CANCELLED. */
GLIMPSE_API int glimpse_dedup_run(glimpse_dedup_report **out, const glimpse_dedup_options *options);
GLIMPSE_API void glimpse_dedup_report_free(glimpse_dedup_report *report);

/* GLIMPSE_E_INVALID, naming both, when a root of one set is one of the other, lies in one or holds
 * one, whatever it is called: links, "..", and bind mounts are followed. A search asks it too, with
 * the roots of libraries; ask before a long one. Roots that do not exist are passed over. */
GLIMPSE_API int glimpse_dedup_check_sets(const char *const *roots, size_t root_count,
                                         const char *const *against, size_t against_count);

/*
 * Audits: what is odd about the pictures of a report (usually one made with no_matching).
 */
typedef enum glimpse_audit_kind {
    GLIMPSE_AUDIT_DARK = 0,
    GLIMPSE_AUDIT_BRIGHT,
    GLIMPSE_AUDIT_BLURRED,
    GLIMPSE_AUDIT_LOW_INFORMATION,
    GLIMPSE_AUDIT_NEAR_CONSTANT,
    GLIMPSE_AUDIT_ODD_ASPECT,
    GLIMPSE_AUDIT_SMALL,
    GLIMPSE_AUDIT_ODD_SIZE,    /* far from the sizes of the rest */
    GLIMPSE_AUDIT_MISLABELLED, /* its neighbours carry another label (needs embeddings and
                                  class_directories) */
    GLIMPSE_AUDIT_OUTLIER,     /* far from its nearest neighbours (needs embeddings) */
    GLIMPSE_AUDIT_COUNT
} glimpse_audit_kind;
GLIMPSE_API const char *glimpse_audit_kind_name(glimpse_audit_kind kind); /* "low-information" */

typedef struct glimpse_audit_limits {
    size_t size;               /* GLIMPSE_AUDIT_LIMITS_INIT sets it */
    double dark, bright;       /* 99th percentile below, 1st percentile above */
    double sharpness;          /* below: blurred */
    double entropy;            /* below: low information */
    double deviation;          /* below: near-constant */
    double aspect;             /* above */
    unsigned min_side;         /* shorter side below: small */
    double size_deviations;    /* robust deviations of log(pixels) from the median */
    unsigned neighbours;       /* k for the two below */
    double disagreement;       /* share of neighbours with one other label, at least */
    double outlier_deviations; /* robust deviations of the mean distance to the k neighbours */
    unsigned kinds;            /* bit per kind; 0: all */
    unsigned reserved;
    int class_directories; /* 1: the directories that pictures lie in are their classes, which
                              MISLABELLED needs; 0: they are events, places, months */
} glimpse_audit_limits;

static inline glimpse_audit_limits glimpse_audit_limits_init(void) {
    glimpse_audit_limits limits;
    memset(&limits, 0, sizeof limits);
    limits.size = sizeof limits;
    limits.dark = 60;
    limits.bright = 200;
    limits.sharpness = 30;
    limits.entropy = 3.5;
    limits.deviation = 4;
    limits.aspect = 4;
    limits.min_side = 64;
    limits.size_deviations = 6;
    limits.neighbours = 10;
    limits.disagreement = 0.8;
    limits.outlier_deviations = 5;
    return limits;
}
#define GLIMPSE_AUDIT_LIMITS_INIT glimpse_audit_limits_init()

typedef struct glimpse_audit_finding {
    const glimpse_dedup_picture *picture;
    glimpse_audit_kind kind;
    double value, limit;    /* what was measured, and what it was held against */
    const char *text;       /* "99% of the picture is darker than 31 of 255" */
    const char *suggestion; /* the label of the neighbours for MISLABELLED, else "" */
} glimpse_audit_finding;

typedef struct glimpse_audit {
    const glimpse_audit_finding *findings; /* by kind, worst first, ties by path */
    size_t count;
    uint64_t counts[GLIMPSE_AUDIT_COUNT];
    int has_embeddings; /* 0: what needs them was left out */
    int has_labels;     /* 0: no classes were asked for, or all pictures are of one */
} glimpse_audit;

/* `report` must outlive the audit. `limits` may be NULL. */
GLIMPSE_API int glimpse_audit_run(glimpse_audit **out, const glimpse_dedup_report *report,
                                  const glimpse_audit_limits *limits);
GLIMPSE_API void glimpse_audit_free(glimpse_audit *audit);

#ifdef __cplusplus
}
#endif
#endif
