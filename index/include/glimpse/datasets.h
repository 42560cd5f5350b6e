/*
 * glimpse/datasets.h - data sets that others made, read: tables, what is right, labels that were
 * written before, captions. And how good labels are that have been written.
 *
 *     glimpse_truth *truth = NULL;
 *     if (glimpse_truth_load(&truth, "labels.csv", NULL) < 0) puts(glimpse_last_error());
 *     size_t at;
 *     if (glimpse_truth_find(&at, truth, "/data/shots/cat-1.jpg", 0)) ...
 *     glimpse_truth_free(truth);
 *
 * Everything is read whole into memory. A file that is damaged or does not hold what it should is
 * GLIMPSE_E_FORMAT, and the message names the file and the line; one that is not there
 * GLIMPSE_E_NOT_FOUND; one beyond 1 GiB GLIMPSE_E_LIMIT. "-" is standard input where it says so.
 *
 * Threads: any. What was read does not change afterwards (but by glimpse_caption_pairs_drop), so
 * share it.
 */
#ifndef GLIMPSE_DATASETS_H
#define GLIMPSE_DATASETS_H

#include <glimpse/evaluate.h>
#include <glimpse/messages.h>
#include <glimpse/status.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Tables.
 *
 * CSV is RFC 4180: quoted fields may hold commas, doubled quotes and line ends; LF and CRLF both
 * end a row. TSV (by the ending .tsv, or a header with tabs and no commas) has no quoting. The
 * first row names the columns. A byte order mark is dropped, blank lines are left out. A row may be
 * shorter than the header: what is missing is "".
 */
typedef struct glimpse_table glimpse_table;
GLIMPSE_API int glimpse_table_load(glimpse_table **out, const char *path);
GLIMPSE_API void glimpse_table_free(glimpse_table *table);
GLIMPSE_API size_t glimpse_table_rows(const glimpse_table *table);
GLIMPSE_API size_t glimpse_table_columns(const glimpse_table *table);
/* The first column with one of the names (separated by |, upper and lower case alike, earlier names
 * first), or -1. */
GLIMPSE_API int glimpse_table_column(const glimpse_table *table, const char *names);
/* "" for column -1. */
GLIMPSE_API const char *glimpse_table_cell(const glimpse_table *table, size_t row, int column);
/* Where the row begins in the file, from 1. */
GLIMPSE_API size_t glimpse_table_line(const glimpse_table *table, size_t row);

/*
 * Truth: pictures whose classes are known.
 *
 * A directory is an ImageFolder: every directory in it is a class, every picture below that belongs
 * to it, %XX in its name stands for a byte (as glimpse writes it); pictures in the directory _none
 * show none of the classes. A file is a table with the columns path (or file, filename, file_name,
 * image) and class (or label, category); a column `classes` or `labels` holds any number of classes
 * separated by |. Several rows of one path are several classes of one picture. A picture with an
 * empty class shows none of the classes.
 *
 * The same picture: paths are compared after being made absolute and following links. Relative
 * paths of a table begin at the table's own directory (or `root`).
 */
typedef struct glimpse_truth_picture {
    const char *given; /* as written in the table, or below the ImageFolder */
    const char *path;  /* where that is */
    /* [class_count] places in glimpse_truth.classes, ascending, no repeats */
    const size_t *classes;
    size_t class_count;
} glimpse_truth_picture;

typedef struct glimpse_truth {
    const glimpse_truth_picture *pictures; /* [count], in the order of the table or of names */
    size_t count;
    const char *const *classes; /* [class_count], sorted */
    size_t class_count;
    size_t several; /* pictures with more than one class */
    size_t none;    /* pictures with no class */
} glimpse_truth;

/* `root` may be NULL. */
GLIMPSE_API int glimpse_truth_load(glimpse_truth **out, const char *directory_or_table,
                                   const char *root);
GLIMPSE_API void glimpse_truth_free(glimpse_truth *truth);
/* 1 with *at set (a place in `pictures`) when the truth has the picture, 0 when not;
 * GLIMPSE_E_NOMEM. `by_ending`: when nothing is there, the picture whose relative path as given is
 * the end of `path` will do ("cats/1.jpg" fits "/mnt/new/cats/1.jpg"), for pictures that were
 * moved. */
GLIMPSE_API int glimpse_truth_find(size_t *at, const glimpse_truth *truth, const char *path,
                                   int by_ending);

/*
 * Predictions: labels that were written before.
 *
 * From JSON lines of glimpse label --json ("-": standard input); its CSV; any CSV or TSV with the
 * columns path (or file, filename, file_name, image) and class (or label, category), and
 * probability (or score, confidence) if there is one; or an ImageFolder, as it is written by the
 * format imagefolder (its labels.csv says where the pictures came from; without that, the pictures
 * in the directories are the pictures).
 */
typedef struct glimpse_prediction {
    const char *path;
    /* [count] as given; without a word about it the first is accepted */
    const glimpse_guess *guesses;
    size_t count;
    int abstained;
    int failed;                /* the line is about a picture that could not be labelled */
    double background, margin; /* NaN when not given */
} glimpse_prediction;

typedef struct glimpse_predictions {
    const glimpse_prediction *pictures; /* [count] in order */
    size_t count;
    const char *const *classes; /* [class_count] in order of their first mention */
    size_t class_count;
    size_t failed;    /* of count */
    int has_accepted; /* it is said which labels are claimed */
} glimpse_predictions;

GLIMPSE_API int glimpse_predictions_load(glimpse_predictions **out, const char *path);
GLIMPSE_API void glimpse_predictions_free(glimpse_predictions *predictions);

/*
 * How good predictions are: predictions and truth brought together.
 *
 * Pictures are found by path; when that finds none, by the ends of their paths. Classes are known
 * by name, else as the last part of exactly one hierarchical name. Pictures of the truth without a
 * prediction decide whether the figures mean anything, so they are never passed over in silence.
 */
typedef enum glimpse_missing {
    GLIMPSE_MISSING_REFUSE = 0, /* GLIMPSE_E_INVALID */
    GLIMPSE_MISSING_WRONG,      /* they count as wrong */
    GLIMPSE_MISSING_SKIP        /* they are left out */
} glimpse_missing;

typedef struct glimpse_judge_options {
    size_t size;      /* GLIMPSE_JUDGE_OPTIONS_INIT sets it */
    int missing;      /* glimpse_missing */
    unsigned samples; /* bootstrap samples; 0: no intervals */
    uint64_t seed;    /* of the bootstrap */
    const char *root; /* where relative paths of the truth begin; NULL: beside its table */
    glimpse_message_fn message; /* may be NULL */
    void *user;
} glimpse_judge_options;

static inline glimpse_judge_options glimpse_judge_options_init(void) {
    glimpse_judge_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.samples = 1000;
    options.seed = 2026;
    return options;
}
#define GLIMPSE_JUDGE_OPTIONS_INIT glimpse_judge_options_init()

typedef struct glimpse_judgement {
    const glimpse_predictions *predictions;
    const glimpse_truth *truth;
    const glimpse_label_report *report; /* its classes: those below */
    /* [class_count]: those of the predictions, then those that only the truth has. */
    const char *const *classes;
    size_t class_count;
    size_t missing;          /* pictures of the truth without a prediction, */
    size_t failed;           /* of them, those the labelling could not use */
    size_t unjudged;         /* predictions for pictures the truth does not have */
    double auroc_background; /* how well "none of these" tells pictures of none of the classes; NaN
                                unless it was always given and there are such pictures */
} glimpse_judgement;

/* `predictions` and `truth` as the calls above read them; `options` may be NULL. GLIMPSE_E_INVALID
 * when they have no picture or no class in common, when two predictions are for one picture, and
 * for missing ones that are to be refused. */
GLIMPSE_API int glimpse_judgement_create(glimpse_judgement **out, const char *predictions,
                                         const char *truth, const glimpse_judge_options *options);
GLIMPSE_API void glimpse_judgement_free(glimpse_judgement *judgement);

/*
 * Captions: pictures and texts that describe them.
 *
 * A table (CSV, TSV) with the columns image (or path, file, filename, file_name, filepath) and
 * caption (or text, title), a row for each caption. Or JSON: COCO captions ("images" with id and
 * file_name, "annotations" with image_id and caption), or an array or lines of objects with the
 * same keys as the columns, where caption, captions or text is a string or an array of strings.
 *
 * Rows of one picture are one picture with several captions; captions that are equal byte for byte
 * are one text that fits all their pictures, because no model can tell them apart. Rows without a
 * caption are counted and left out.
 */
typedef struct glimpse_caption_pairs {
    const char *const *images; /* [image_count] where they are, in order of first mention */
    const char *const *texts;  /* [text_count] in order of first mention */
    const glimpse_pair *pairs; /* [pair_count] by text, then image; no pair twice */
    size_t image_count, text_count, pair_count;
    size_t without; /* rows without a caption */
} glimpse_caption_pairs;

/* Relative names begin at `directory` (NULL: the file's own). */
GLIMPSE_API int glimpse_caption_pairs_load(glimpse_caption_pairs **out, const char *path,
                                           const char *directory);
GLIMPSE_API void glimpse_caption_pairs_free(glimpse_caption_pairs *pairs);
/* Leaves out the pictures with drop[i] != 0 (`drop` [image_count]), and texts that then fit none.
 * Not while others read them. */
GLIMPSE_API int glimpse_caption_pairs_drop(glimpse_caption_pairs *pairs, const unsigned char *drop);

/*
 * Queries, and the pictures that they should find.
 *
 * A text file with a query on every line, as at a search (glimpse/query.h), and behind it, each
 * after a tab, the pictures that fit: content ids (32 hexadecimal digits) or paths. Blank lines and
 * lines that begin with # are left out; a byte order mark is dropped; lines may end in \r\n.
 */
typedef struct glimpse_query_line {
    const char *text;
    const char *const *truth; /* [truth_count] ids, or where the pictures are */
    size_t truth_count;
    size_t line; /* from 1 */
} glimpse_query_line;
typedef struct glimpse_query_file {
    const char *path;
    const glimpse_query_line *queries; /* [count], in the order of the file */
    size_t count;
} glimpse_query_file;

/* Relative paths begin at the file's own directory. GLIMPSE_E_FORMAT, with the line, for a line
 * that is not UTF-8 or begins with a tab, and for a file without a query. */
GLIMPSE_API int glimpse_query_file_load(glimpse_query_file **out, const char *path);
GLIMPSE_API void glimpse_query_file_free(glimpse_query_file *file);

#ifdef __cplusplus
}
#endif
#endif
