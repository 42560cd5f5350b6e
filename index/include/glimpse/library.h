/*
 * glimpse/library.h - a library on disk: which pictures there are, and what they look like.
 *
 *     glimpse_library *library = NULL;
 *     if (glimpse_library_open(&library, "photos.glimpse", GLIMPSE_LIBRARY_CREATE) < 0) ...
 *     glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
 *     const char *roots[] = {"/home/me/Pictures"};
 *     options.roots = roots, options.root_count = 1, options.model = model;
 *     glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
 *     glimpse_library_ingest(&report, library, &options);
 *
 *     glimpse_results *results = NULL;
 *     glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
 *     glimpse_library_search(&results, library, model, query_vector, &search);
 *     for (size_t i = 0; i < glimpse_results_count(results); i++)
 *         puts(glimpse_results_get(results, i)->path);
 *     glimpse_results_free(results);
 *     glimpse_library_close(library);
 *
 * On disk: a directory with
 *     catalog.db                 SQLite (WAL). The truth: files, contents, embeddings (f16),
 *                                quarantine, models.
 *     vectors-FINGERPRINT.faiss  derived from it, one per model (and one with -parts in its name
 *                                where pictures have tiles): header with format version,
 *                                fingerprint, catalogue generation, count, checksum; then a FAISS
 *                                index. Replaced atomically, rebuilt when missing, stale or
 *                                damaged.
 *     lock                       held (flock) by the one process that writes.
 * docs/library.md describes each of them.
 *
 * Words: a *file* is a path; a *content* is what its bytes are (XXH3-128 of them and their size);
 * a *picture* is what they show, whatever the metadata beside it say, and owns the embeddings, one
 * per model. Its *id*, 32 hexadecimal digits, is the hash of the first content that it was known
 * by, and stays. A *root* is a directory that was indexed; a file that was
 * indexed by itself has none. Paths are absolute.
 *
 * Rules that never bend: the catalogue is the truth and vector files are derived from it; a vector
 * and its row are bound by id, never by position; identity is the coded picture, so files that move
 * or whose metadata are edited keep what is known of them; commits are small and durable; one bad
 * file never stops a run; an unreachable root is offline and not deleted; same input gives same
 * output.
 *
 * A handle whose directory was removed or replaced goes on reading what it opened. Calls that write
 * fail: GLIMPSE_E_NOT_FOUND, or GLIMPSE_E_CORRUPT when another library is there, which they leave
 * alone.
 *
 * Threads: a library handle belongs to one thread at a time; open another for another thread, best
 * with glimpse_library_open_sibling. Several handles and processes may read while one writes; a
 * reader sees whole batches, never a part of one. Do not use a handle in the child of a fork().
 *
 * Memory: a search holds the vectors of its model, 2 E + 8 bytes for each picture and each tile
 * (100,000 of 512
 * dimensions: 103 MB), from the first search until the library is closed. Siblings hold them once;
 * while a new version takes the place of an old one, those that still use the old one hold it too.
 */
#ifndef GLIMPSE_LIBRARY_H
#define GLIMPSE_LIBRARY_H

#include <glimpse/status.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_library glimpse_library;

enum {
    GLIMPSE_LIBRARY_CREATE = 1,    /* make it when it does not exist: in an empty directory or a new
                                      one, else GLIMPSE_E_INVALID */
    GLIMPSE_LIBRARY_READ_ONLY = 2, /* never write, not even a rebuilt FAISS file */
    GLIMPSE_LIBRARY_UPGRADE = 4 /* with READ_ONLY: but upgrade a library of an older version before,
                                   where this user may write it */
};

/* GLIMPSE_E_NOT_FOUND when there is no library at `path`, GLIMPSE_E_INVALID when something else is
 * (a file), GLIMPSE_E_CORRUPT when the catalogue is damaged (it is reported, never used or
 * overwritten), GLIMPSE_E_UNSUPPORTED when it was written by a newer version. A library that this
 * user may not write is opened for reading only; calls that write then fail with GLIMPSE_E_IO,
 * those that take long before they look at a picture. Opening checks the header and the tables, not
 * every page: glimpse_library_verify does. Damage met later makes the call that met it fail with
 * GLIMPSE_E_CORRUPT, and nothing is written through the handle from then on.
 *
 * A library of an older version is upgraded when it is opened for writing, or with
 * GLIMPSE_LIBRARY_UPGRADE; opened for reading only it is GLIMPSE_E_UNSUPPORTED.
 * glimpse_library_identify does what that leaves to do. */
GLIMPSE_API int glimpse_library_open(glimpse_library **out, const char *path, unsigned flags);
/* Another handle on the same library, for another thread, open as `library` is (never to create).
 * It shares the loaded vectors with it and with its other siblings, and is otherwise independent:
 * each is used by one thread at a time, and closed in any order. May be called while another thread
 * uses `library`, but not while one closes it. Fails as glimpse_library_open. */
GLIMPSE_API int glimpse_library_open_sibling(glimpse_library **out, const glimpse_library *library);
GLIMPSE_API void glimpse_library_close(glimpse_library *library);
/* Absolute; lives as long as the library. */
GLIMPSE_API const char *glimpse_library_path(const glimpse_library *library);

/*
 * Ingest: walk -> hash/skip -> decode -> preprocess -> batch -> encode -> commit.
 *
 * Memory: decoded pictures in flight take at most 128 MiB per job and 1 GiB at least, judged by
 * the sizes they declare; the bytes of files a quarter of that beside it. A picture that needs
 * more than the limit passes alone. The model, and one encoder per job, come on top.
 */
typedef struct glimpse_progress {
    const char *stage;    /* "indexing", "writing the vector index", ... */
    uint64_t done, total; /* files decided on, files found so far */
    int total_is_final;   /* 0 while the walk still goes on */
    uint64_t embedded, unchanged, bound, quarantined;
    double seconds;   /* since the start */
    const char *path; /* a recent file; valid during the call */
} glimpse_progress;

/* Called from one thread at a time, at most about ten times a second. Return non-zero to stop
 * cleanly: what was embedded is committed, and the call returns GLIMPSE_E_CANCELLED. */
typedef int (*glimpse_progress_fn)(void *user, const glimpse_progress *progress);

/* What a run left out: a file that turned out to be unusable, or still is after it was tried again
 * (`known` 1), with the reason; a directory with .nomedia in it (`status` GLIMPSE_OK, `reason` the
 * name of that file); a root that was given and is none (`is_root` 1). Unusable files that did not
 * change are not named: the status of the library lists all. Called from the thread of the call,
 * directories after everything else. */
typedef struct glimpse_left_out {
    const char *path, *reason; /* valid during the call; the reason is without the path */
    int status, known;
    int is_root;
} glimpse_left_out;
typedef void (*glimpse_left_out_fn)(void *user, const glimpse_left_out *what);

typedef struct glimpse_ingest_options {
    size_t size;                /* GLIMPSE_INGEST_OPTIONS_INIT sets it */
    const glimpse_model *model; /* with its image tower */
    const char *const *roots;   /* directories (or single files) to index; none: every root, and
                                   every file that was indexed by itself */
    size_t root_count;
    unsigned jobs;              /* decoding and encoding workers; 0: one per core */
    unsigned batch;             /* pictures per encoder call; 0: 16 */
    uint64_t max_pixels;        /* 0: GLIMPSE_DEFAULT_MAX_PIXELS */
    int retry_quarantined;      /* look again at quarantined files that did not change */
    int follow_links;           /* follow links to directories (loops are noticed) */
    const char *const *exclude; /* fnmatch patterns on names and on paths below the root */
    size_t exclude_count;
    glimpse_progress_fn progress;
    void *user; /* for `progress` */
    /* 0: JPEG and WebP files that are much larger than the model's input are
     * decoded reduced, to a short side of at least twice it (docs/performance.md says what that
     * does to embeddings: their cosine to exact ones stays above 0.995). 1: every pixel is decoded,
     * as glimpse_image_load does without options. */
    int exact_decode;
    const char *profile; /* NULL, or a file to write a trace to that chrome://tracing and Perfetto
                            open: what each thread did when */
    int include_nomedia; /* go into directories with a file .nomedia or .noimage in them, which are
                            left out otherwise. A root is walked whatever is in it */
    /* A root remembers follow_links, exclude and include_nomedia, which are one set. A run with
     * none of them uses for each root what it remembers; with any of them, or with this, its roots
     * remember the set it has. A directory below a root is walked with what the innermost root
     * around it remembers, and becomes a root of its own when a run of it has a set. A root inside
     * another that remembers a set keeps to it when the other one is walked. */
    int forget_options;
    glimpse_left_out_fn left_out; /* with `user`; may be NULL */
    /* 1: pictures are embedded in tiles as well (glimpse_tile_box), where a tile has as many pixels
     * as the model looks at; those that lack only tiles get them. -1: they are not, and the tiles
     * that there are stay until glimpse_library_prune is told to forget them. 0: as the root
     * remembers, by itself: `forget_options` forgets it, other options of the set do not. A file
     * given by itself remembers nothing. */
    int tiles;
} glimpse_ingest_options;

static inline glimpse_ingest_options glimpse_ingest_options_init(void) {
    glimpse_ingest_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_INGEST_OPTIONS_INIT glimpse_ingest_options_init()

typedef struct glimpse_ingest_report {
    size_t size;          /* GLIMPSE_INGEST_REPORT_INIT sets it */
    uint64_t files;       /* pictures found under the roots */
    uint64_t unchanged;   /* known by size and mtime, not opened */
    uint64_t embedded;    /* pictures encoded in this run */
    uint64_t bound;       /* new or changed paths whose picture was known already */
    uint64_t quarantined; /* of `files`, those that could not be used (old and new) */
    uint64_t newly_quarantined;
    uint64_t missing; /* known files no longer there (kept until pruned) */
    uint64_t offline_roots;
    double seconds;
    double busy_read, busy_decode, busy_encode, busy_commit; /* thread-seconds */
    unsigned jobs;           /* workers; read, decode and encode are theirs, commit is not */
    double pipeline_seconds; /* of `seconds`, while the workers ran: jobs times this is what they
                                had, and what is not busy was spent waiting */
    size_t peak_bytes;       /* largest estimate of memory that files and pictures in flight took */
    uint64_t edited;  /* of `bound`, those whose bytes are new: their metadata was edited, or they
                         are copies with other metadata */
    uint64_t nomedia; /* directories left out for a .nomedia or .noimage in them */
    uint64_t replaced_options; /* roots that remembered other options before */
    uint64_t left_out;         /* known files that are there, and that the rules of the walk leave
                                  out (.nomedia, exclude, links): not found, kept until asked for */
    uint64_t refused_roots;    /* given, and neither there nor ever indexed, or not to be read */
    uint64_t tiles;            /* embeddings of tiles made in this run */
    uint64_t tiled; /* pictures that got them; of these, those that were embedded before are not in
                       `embedded` */
} glimpse_ingest_report;

static inline glimpse_ingest_report glimpse_ingest_report_init(void) {
    glimpse_ingest_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_INGEST_REPORT_INIT glimpse_ingest_report_init()

/* GLIMPSE_OK also when files were quarantined: see the report. GLIMPSE_E_INVALID when no root is
 * given and none is known. GLIMPSE_E_BUSY when another process
 * is writing. A root that cannot be reached is counted offline and is no failure. One that was
 * never indexed and is not there is told to `left_out` and counted, and the others are indexed;
 * where there is no other, that is the failure (GLIMPSE_E_NOT_FOUND). */
GLIMPSE_API int glimpse_library_ingest(glimpse_ingest_report *report, glimpse_library *library,
                                       const glimpse_ingest_options *options);

/*
 * Tiles. A picture that is indexed with `tiles` is embedded whole and in squares that are spread
 * evenly over it, 2 x 2 and then 3 x 3 of them, so that what is small in it is large in one of
 * them. Where tiles lie depends on the size of the picture alone. They are numbered from 1, by rows
 * from the top.
 */
enum { GLIMPSE_TILES = 13 };
/* A tile's score is (1 - this) of its cosine and this of that of its picture: chosen on data
 * (benchmarks/RESULTS.md). */
#define GLIMPSE_TILE_CONTEXT 0.2
/* *box: of tile 1 to GLIMPSE_TILES of a picture of width x height pixels. 0 when it has no such
 * tile: it would be no smaller than the picture, or is another one as well. */
GLIMPSE_API int glimpse_tile_box(glimpse_box *box, unsigned tile, uint32_t width, uint32_t height);

/*
 * Search.
 */
typedef struct glimpse_search_options {
    size_t size; /* GLIMPSE_SEARCH_OPTIONS_INIT sets it */
    size_t k;    /* results wanted; 0: 10 */
    /* Only files of these names and files below them: those of any of `within` [within_count]; 0:
     * everywhere. Absolute or relative to the working directory; "." and ".." are resolved by their
     * letters. Names are compared as a whole, byte for byte: "photos/2020" holds
     * photos/2020/a.jpg and not photos/2020-05/a.jpg. Where the library knows no file of that name,
     * what it really is, links followed. One that holds no file is no failure:
     * glimpse_library_check_within() says what is wrong with it. An empty one is
     * GLIMPSE_E_INVALID. */
    const char *const *within;
    size_t within_count;
    /* "2020", "2020-05", "2020-05-30" or with "T14", "T14:03" or "T14:03:59" behind it (a blank for
     * the T is fine), each standing for its first moment; NULL: no limit. `after` is inclusive,
     * `before` exclusive. Compared with the date taken, as the clock showed it, else with a date
     * in the file's name, else with the file's mtime in local time. Anything else, such as
     * "2020-13", is GLIMPSE_E_INVALID. */
    const char *after, *before;
    double min_score;       /* cosine; use -2 for no limit (the INIT value) */
    const char *exclude_id; /* content id to leave out (a query picture itself), or NULL */
    /* Only pictures that have all of these stored labels (glimpse/stored_labels.h). A label is
     * named in full, "animal/dog/terrier", by any part of its hierarchy, "animal", "animal/dog" or
     * "dog", or by its last part, "terrier". */
    const char *const *labels;
    size_t label_count;
    /* Words to look for in stored captions (glimpse/captions.h), NULL: not at all. The two rankings
     * become one by reciprocal rank fusion (Cormack, Clarke and Buettcher 2009):
     *
     *     fused = (1 - weight) / (60 + rank by cosine) + weight / (60 + rank by BM25)
     *
     * over the first GLIMPSE_FUSION_DEPTH pictures (k when that is more) of each, a part being 0
     * where a picture is not among them. A rank is 1 + the number of pictures scored strictly
     * better, so that equal captions leave the order to the cosine. A picture counts with its best
     * caption. Any text is fine: what would be an operator is a word; "in quotes" is a phrase, and
     * word* stands for all words that begin so. Words that more than half of the captions have are
     * not looked for as long as another one occurs. All filters hold for both rankings. */
    const char *captions;
    double captions_weight; /* 0: the order by cosine; 0.5: as in the paper; 1: that by captions */
    int whole_only;         /* 1: tiles are not looked at */
    /* 1: near-duplicates and bursts are one result, the best of them, with how many it stands for
     * (glimpse_result.collapsed); `k` counts these. Near are pictures of the same shape whose
     * embeddings have a cosine of 0.85 at least, and whose signatures (glimpse/sys/signature.h),
     * made when they are indexed, agree up to brightness and contrast; or, of pictures taken by
     * one camera within 3 seconds, of 0.9 and with signatures that are alike. Each is compared with
     * the result itself. What was indexed before there were signatures is near what has the same
     * embedding. */
    int collapse;
    /* 1: each result is one that is like the query and unlike those before it, by maximal marginal
     * relevance (Carbonell and Goldstein 1998): the largest
     *
     *     lambda * score - (1 - lambda) * cosine to the likest of the results before
     *
     * among the best GLIMPSE_DIVERSE_DEPTH pictures (k when that is more), both scaled to 0..1 over
     * them; after collapsing, and of a search with captions by `fused`. k is at most
     * GLIMPSE_DIVERSE_MAX then. */
    int diverse;
    double diverse_lambda; /* 1: the order by score; 0: the first one, and then what is unlike */
    /* Only files for which this expression holds (glimpse/filters.h); NULL: all. Together with the
     * other filters. */
    const char *where;
} glimpse_search_options;

enum { GLIMPSE_DIVERSE_DEPTH = 200, GLIMPSE_DIVERSE_MAX = 1000 };
#define GLIMPSE_DIVERSE_LAMBDA 0.7
/* Others of a result are counted among the best so many pictures of the ranking, or four times as
 * many as there are results up to this page, when that is more. */
enum { GLIMPSE_COLLAPSE_DEPTH = 1000 };

#define GLIMPSE_CAPTIONS_WEIGHT 0.5 /* chosen on data: docs/captions.md */

enum { GLIMPSE_FUSION_DEPTH = 1000, GLIMPSE_FUSION_K = 60 };

static inline glimpse_search_options glimpse_search_options_init(void) {
    glimpse_search_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.k = 10;
    options.min_score = -2.0;
    options.captions_weight = GLIMPSE_CAPTIONS_WEIGHT;
    options.diverse_lambda = GLIMPSE_DIVERSE_LAMBDA;
    return options;
}
#define GLIMPSE_SEARCH_OPTIONS_INIT glimpse_search_options_init()

/* GLIMPSE_E_INVALID, with the reason, for options that make no sense whatever the library is (a
 * date such as "2020-13"): before a library and a model are opened for them. NULL is fine. */
GLIMPSE_API int glimpse_search_options_check(const glimpse_search_options *options);

typedef struct glimpse_result {
    size_t rank;      /* 1, 2, ... */
    double score;     /* cosine similarity; of a tile see GLIMPSE_TILE_CONTEXT */
    const char *path; /* of the file to show: an existing one when there is any; it passes the
                         filters. Any bytes but NUL */
    const char *id;   /* content id: 32 hexadecimal digits */
    uint32_t width, height;
    uint64_t bytes;
    const char *taken;    /* "2021-05-30T14:03:59", see taken_from */
    const char *modified; /* file mtime in the same form, local time */
    const char *format;   /* "JPEG" */
    int offline;          /* 1 when the file is not there and its root cannot be reached */
    size_t copies;        /* files with these bytes in the library, this one included; those under
                             offline roots only count when all are */
    /* Of a search with captions; otherwise 0 and NULL. */
    double fused;         /* what the results are sorted by */
    double caption_score; /* BM25 of the caption that fits best, 0: none was found */
    size_t vector_rank;   /* among the pictures by cosine, 0: beyond the depth of the fusion */
    size_t caption_rank;  /* among the pictures by caption, 0: none was found */
    const char *caption;  /* the one that fits best, NULL: none was found */
    /* What `taken` is: "exif" or "xmp" (also IPTC), what the file says (glimpse/sys/metadata.h);
     * else "name", a date in the file's name; else "file", the same as `modified`. */
    const char *taken_from;
    int has_taken_offset;
    int taken_offset; /* minutes of its zone from UTC: 330 for +05:30 */
    /* The tile that the score is of, in pixels of the upright picture; 0 wide: the whole picture.
     */
    glimpse_box tile;
    /* Of a search that collapses: how many further pictures the result stands for, and where the
     * best of these are, in their order. */
    size_t collapsed;
    const char *const *others; /* [other_count], GLIMPSE_OTHERS_MAX at most */
    size_t other_count;
    int has_rating; /* of a search, of pictures and of a list */
    double rating;
    int64_t added; /* when the library first saw the picture, in seconds since 1970; 0: not known */
    /* Of a search, of pictures and of a list: glimpse/tags.h, by name. */
    const char *const *tags, *const *albums; /* [tag_count], [album_count] */
    size_t tag_count, album_count;
} glimpse_result;

enum { GLIMPSE_OTHERS_MAX = 100 };

typedef struct glimpse_results glimpse_results;

/* `query` [E], any length > 0 (it is normalised); results best first (by `fused` in a search with
 * captions), ties by content id. Missing files are not returned, quarantined ones neither; equal
 * contents once. The answer is exact: what scoring every picture would give, whatever the filters
 * and the state of the FAISS file; scores are computed in double from the stored vectors.
 * A picture with tiles has the best of its own cosine and the scores of its tiles
 * (GLIMPSE_TILE_CONTEXT); the whole picture goes first where they are equal, then the earlier tile.
 * `k` counts pictures.
 * `options` may be NULL. GLIMPSE_E_NOT_FOUND when nothing was ever indexed with the model,
 * GLIMPSE_E_INVALID for a zero or non-finite query and for bad options. The results do not depend
 * on the library after the call. */
GLIMPSE_API int glimpse_library_search(glimpse_results **out, glimpse_library *library,
                                       const glimpse_model *model, const float *query,
                                       const glimpse_search_options *options);
GLIMPSE_API size_t glimpse_results_count(const glimpse_results *results);
GLIMPSE_API const glimpse_result *glimpse_results_get(const glimpse_results *results, size_t i);
GLIMPSE_API void glimpse_results_free(glimpse_results *results);

/* The stored embedding of a file by content id (32 hex digits, tried first) or by path, as it is
 * written or with links followed: `embedding` [E], unit length but for its rounding to f16.
 * GLIMPSE_E_NOT_FOUND when it has none for the model. `id` [33] may be NULL. */
GLIMPSE_API int glimpse_library_embedding(float *embedding, char *id, glimpse_library *library,
                                          const glimpse_model *model, const char *path_or_id);

/* Why a place of `within` in a search may be a slip. *problem, which glimpse_free() releases, is
 * NULL where the library knows a file that is there; else a sentence that names the place: which
 * names beside it begin so, or are like it, whether its files went, whether it was indexed at
 * all. */
GLIMPSE_API int glimpse_library_check_within(char **problem, glimpse_library *library,
                                             const char *place);

/* Calls `visit` for every present, embedded file `within` [within_count] (0: all; as in a search),
 * in path order, with its stored embedding [E]; a non-zero return stops and is returned. `file` and
 * `embedding` are valid during the call; file->rank counts from 1, file->score is 0. What is
 * visited is the state at the beginning; `visit` must not write to the library through this
 * handle. */
typedef int (*glimpse_visit_fn)(void *user, const glimpse_result *file, const float *embedding);
GLIMPSE_API int glimpse_library_visit(glimpse_library *library, const glimpse_model *model,
                                      const char *const *within, size_t within_count,
                                      glimpse_visit_fn visit, void *user);

/* The same of the files that pass within, after, before, labels and where of `filter`. */
GLIMPSE_API int glimpse_library_visit_filtered(glimpse_library *library, const glimpse_model *model,
                                               const glimpse_search_options *filter,
                                               glimpse_visit_fn visit, void *user);

/* Every picture with a file `within` [within_count] (0: all; as in a search) that is not missing,
 * each content once, by path; scores are 0. */
GLIMPSE_API int glimpse_library_pictures(glimpse_results **out, glimpse_library *library,
                                         const char *const *within, size_t within_count);
/* The same of the pictures with a file that passes within, after, before, labels and where of
 * `filter`. */
GLIMPSE_API int glimpse_library_pictures_filtered(glimpse_results **out, glimpse_library *library,
                                                  const glimpse_search_options *filter);

/*
 * Looking after it.
 */
typedef struct glimpse_quarantined {
    const char *path, *reason; /* without the path */
} glimpse_quarantined;

typedef struct glimpse_library_model {
    const char *fingerprint, *name, *path;
    size_t embedding_size;
    uint64_t embedded;       /* contents with an embedding of this model */
    uint64_t generation;     /* of the catalogue for this model */
    const char *index_state; /* of its FAISS file, by its header: "ok", "missing", "stale" or
                                "damaged"; the next search mends all but the first */
    int is_default; /* 1: asked when nobody says which; the first that was used, or the one of
                       glimpse_library_set_default_model() */
    int is_chosen;  /* with is_default, 0: nobody chose it, it was what there was */
} glimpse_library_model;

/* What a root is walked with (glimpse_ingest_options). */
typedef struct glimpse_root_settings {
    int follow_links, include_nomedia;
    const char *const *exclude; /* [exclude_count] */
    size_t exclude_count;
    int tiles;
} glimpse_root_settings;

/* files = embedded + duplicates + quarantined + pending, for a library with one model. */
typedef struct glimpse_library_status {
    const char *library;
    uint64_t files;      /* known and not missing, offline ones included */
    uint64_t embedded;   /* different contents with an embedding of the default model */
    uint64_t duplicates; /* files whose content another file, counted before, has as well */
    uint64_t pending;    /* files whose content has no embedding of the default model yet */
    uint64_t offline;    /* files under unreachable roots */
    uint64_t missing;    /* files that are gone (kept until pruned; not in `files`) */
    const glimpse_quarantined *quarantined;
    size_t quarantined_count;
    const glimpse_library_model *models; /* most recently used first */
    size_t model_count;
    const char *const *roots;
    const int *root_offline; /* [root_count], looked at now */
    size_t root_count;
    uint64_t catalog_bytes, vectors_bytes;
    uint64_t captions, captioned; /* stored captions, and different contents that have any */
    const glimpse_root_settings *root_settings; /* [root_count] */
    uint64_t single_files; /* of `files`, those indexed one by one: below no root */
    uint64_t unidentified; /* pictures of an older version whose files could not be read since then
                              (glimpse_library_identify) */
    uint64_t left_out; /* files that are there, and that the last walk left out: neither in `files`
                          nor in `missing`, and not found */
    uint64_t tiles, tiled; /* embeddings of tiles by the default model, and different contents that
                              have any; none of them is in `embedded` */
} glimpse_library_status;

GLIMPSE_API int glimpse_library_load_status(glimpse_library_status **out, glimpse_library *library);
/* The same with only `library`, `models` and the sizes on disk filled in: a moment's work however
 * many files there are, and no root is looked at. */
GLIMPSE_API int glimpse_library_load_model_status(glimpse_library_status **out,
                                                  glimpse_library *library);
/* The model that is asked when nobody says which, from now on, whether pictures were embedded with
 * it or not. `is_chosen` 0: nobody chose it, so that people are told. GLIMPSE_E_BUSY when another
 * process is writing. */
GLIMPSE_API int glimpse_library_set_default_model(glimpse_library *library,
                                                  const glimpse_model *model, int is_chosen);
/* How many different pictures have an embedding of the model, and of any model. */
GLIMPSE_API int glimpse_library_model_coverage(uint64_t *covered, uint64_t *all,
                                               glimpse_library *library,
                                               const glimpse_model *model);
GLIMPSE_API void glimpse_library_status_free(glimpse_library_status *status);

/* A file of the library and what it says of its picture. Strings are never NULL. */
typedef struct glimpse_library_file {
    const char *path;
    const char *id; /* content id: 32 hexadecimal digits */
    uint64_t bytes;
    uint32_t width, height;
    const char *format;     /* "JPEG" */
    const char *taken;      /* as in a glimpse_result, like the next four */
    const char *taken_from; /* "exif", "xmp", "name", "file" */
    int has_taken_offset;
    int taken_offset;
    const char *modified;
    const char *camera; /* or "" */
    int has_gps;
    double latitude, longitude;
    const char *metadata; /* the rest as a JSON object (docs/metadata.md); "" for a file that an
                             earlier version read, until glimpse_library_ingest sees it again */
} glimpse_library_file;

/* Calls `visit` for every file that is not missing and no unusable one, in path order, of every
 * model or none; a non-zero return stops and is returned. `file` goes away with the call. `visit`
 * must not write to the library through this handle. */
typedef int (*glimpse_file_fn)(void *user, const glimpse_library_file *file);
GLIMPSE_API int glimpse_library_visit_files(glimpse_library *library, glimpse_file_fn visit,
                                            void *user);

/* Of a library that an older version wrote: reads the files that are still as they were indexed,
 * once, so that their pictures are known again when their metadata are edited, and for what they
 * say. Until then an edited file is a new picture. Nothing is encoded. Sessions call it when they
 * open a library; where nothing is left to do it returns at once. Files that are not there now are
 * left to a later call, and counted in glimpse_library_status.unidentified. GLIMPSE_E_BUSY while
 * somebody writes, GLIMPSE_E_CANCELLED when `progress` (NULL allowed) said so; what was read by
 * then is not read again, also after a kill. `jobs`: threads, 0: one a core. */
GLIMPSE_API int glimpse_library_identify(glimpse_library *library, unsigned jobs,
                                         glimpse_progress_fn progress, void *user);

/* Lets `cancelled` (NULL: nothing) stop glimpse_library_verify and glimpse_library_reindex of this
 * handle: it is polled, and non-zero ends the call with GLIMPSE_E_CANCELLED. Each index is then as
 * it was or as it is to be, and the same call may be made again. */
GLIMPSE_API void glimpse_library_set_cancelled(glimpse_library *library,
                                               int (*cancelled)(void *user), void *user);

/* Checks everything: SQLite's own integrity, references, the checksum of every row, every
 * embedding finite and of unit length (within f16 rounding), each model's count and digest,
 * FAISS header, checksum, ids and vectors against the catalogue, the captions' text index
 * against the captions, word by word. A FAISS file that is missing or stale is no problem: it is
 * not used, and made anew by the next search. Calls `report` (may be NULL) with each problem;
 * GLIMPSE_E_CORRUPT when there was any. `checked` (may be NULL): embeddings looked at. Only
 * reads. */
typedef void (*glimpse_problem_fn)(void *user, const char *problem);
GLIMPSE_API int glimpse_library_verify(uint64_t *checked, glimpse_library *library,
                                       glimpse_problem_fn report, void *user);

/* Writes the FAISS files and the captions' text index anew from the catalogue, and removes FAISS
 * files of models it does not know.
 * GLIMPSE_E_BUSY when another process is writing. */
GLIMPSE_API int glimpse_library_reindex(glimpse_library *library);

/* Forgets missing files, contents that no file has, and (when asked) files that are left out, whole
 * roots or models, and gives the space back. Pictures themselves are never touched. Files under
 * offline roots are not missing, so they stay. GLIMPSE_E_NOT_FOUND when nothing is known of the
 * root or model asked for (nothing is forgotten then), GLIMPSE_E_BUSY when another process is
 * writing. `options` and `report` may be NULL. */
typedef struct glimpse_prune_options {
    size_t size;                  /* GLIMPSE_PRUNE_OPTIONS_INIT sets it */
    int dry_run;                  /* only count; the numbers are those of the real thing */
    const char *root;             /* forget this root (or directory in one) as well, or NULL */
    const char *model;            /* forget the embeddings of this fingerprint as well, or NULL */
    int (*cancelled)(void *user); /* asked while it works, and by a session while it waits for
                                     another writer; non-zero ends it with GLIMPSE_E_CANCELLED, and
                                     nothing was forgotten: it is one transaction */
    void *user;
    int left_out;  /* forget files that are there, and that walks leave out, as well */
    int collected; /* forget tags and albums (glimpse/tags.h) of pictures without a file as well:
                      such a picture is kept for their sake, and has them again when it comes back
                    */
    int tiles;     /* forget the tiles of pictures without a file that is to have them, as well */
    int reserved;  /* 0 */
} glimpse_prune_options;
static inline glimpse_prune_options glimpse_prune_options_init(void) {
    glimpse_prune_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_PRUNE_OPTIONS_INIT glimpse_prune_options_init()
typedef struct glimpse_prune_report {
    size_t size;                                    /* GLIMPSE_PRUNE_REPORT_INIT sets it */
    uint64_t files, contents, embeddings, captions; /* forgotten, or that would be */
    uint64_t kept;      /* pictures without a file that stay for the sake of tags and albums */
    uint64_t collected; /* pictures without a file whose tags and albums are forgotten */
} glimpse_prune_report;

static inline glimpse_prune_report glimpse_prune_report_init(void) {
    glimpse_prune_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_PRUNE_REPORT_INIT glimpse_prune_report_init()
GLIMPSE_API int glimpse_library_prune(glimpse_prune_report *report, glimpse_library *library,
                                      const glimpse_prune_options *options);

#ifdef __cplusplus
}
#endif
#endif
