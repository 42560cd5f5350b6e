/*
 * datasets.c - data sets that others made: tables, truth, predictions, captions, and XMP sidecars.
 * Parts: "table.csv", "table.tsv", "lines.jsonl", "captions.json", "picture.jpg.xmp", each read by
 * every reader that takes such a file.
 */
#include "fuzz.h"

#include "dataset_text.h"
#include "xmp.h"

#include <glimpse/datasets.h>
#include <glimpse/status.h>

#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"table.csv",     "table.tsv",       "lines.jsonl",
                                    "captions.json", "picture.jpg.xmp", NULL};
enum { SIDECAR = 4 };

static void read_table(const char *path) {
    glimpse_table *table = NULL;
    if (fuzz_fine(glimpse_table_load(&table, path))) {
        const int column = glimpse_table_column(table, "path|file");
        PROMISE(column < (int)glimpse_table_columns(table));
        for (size_t row = 0; row < glimpse_table_rows(table); row++) {
            PROMISE(glimpse_table_line(table, row) > 0);
            for (int i = -1; i < (int)glimpse_table_columns(table); i++)
                PROMISE(glimpse_table_cell(table, row, i) != NULL);
        }
    }
    glimpse_table_free(table);
}

static void read_truth(const char *path) {
    glimpse_truth *truth = NULL;
    if (fuzz_fine(glimpse_truth_load(&truth, path, NULL))) {
        for (size_t i = 0; i < truth->count; i++) {
            const glimpse_truth_picture *picture = &truth->pictures[i];
            for (size_t k = 0; k < picture->class_count; k++) {
                PROMISE(picture->classes[k] < truth->class_count);
                PROMISE(k == 0 || picture->classes[k - 1] < picture->classes[k]);
            }
        }
        size_t at = 0;
        const int found = glimpse_truth_find(&at, truth, "/nowhere/cats/1.jpg", 1);
        PROMISE(found == 0 || (found == 1 && at < truth->count));
    }
    glimpse_truth_free(truth);
}

static void read_predictions(const char *path) {
    glimpse_predictions *predictions = NULL;
    if (fuzz_fine(glimpse_predictions_load(&predictions, path))) {
        for (size_t i = 0; i < predictions->count; i++) {
            const glimpse_prediction *one = &predictions->pictures[i];
            PROMISE(one->path != NULL);
            for (size_t k = 0; k < one->count; k++)
                PROMISE(one->guesses[k].class_index < predictions->class_count);
        }
    }
    glimpse_predictions_free(predictions);
}

static void read_captions(const char *path) {
    glimpse_caption_pairs *pairs = NULL;
    if (fuzz_fine(glimpse_caption_pairs_load(&pairs, path, NULL))) {
        for (size_t i = 0; i < pairs->pair_count; i++) {
            PROMISE(pairs->pairs[i].text < pairs->text_count);
            PROMISE(pairs->pairs[i].image < pairs->image_count);
        }
        unsigned char *drop = calloc(pairs->image_count + 1, 1);
        if (!drop) abort();
        drop[0] = 1;
        (void)fuzz_fine(glimpse_caption_pairs_drop(pairs, drop));
        free(drop);
    }
    glimpse_caption_pairs_free(pairs);
}

static void read_queries(const char *path) {
    glimpse_query_file *queries = NULL;
    if (fuzz_fine(glimpse_query_file_load(&queries, path))) {
        PROMISE(queries->count > 0);
        for (size_t i = 0; i < queries->count; i++) {
            PROMISE(*queries->queries[i].text && !strchr(queries->queries[i].text, '\t'));
            for (size_t k = 0; k < queries->queries[i].truth_count; k++)
                PROMISE(*queries->queries[i].truth[k]);
        }
    }
    glimpse_query_file_free(queries);
}

static void read_sidecar(const char *path, const char *text) {
    char *ours = NULL;
    PROMISE(glimpse_xmp_look_at(&ours, path) >= 0);
    free(ours);
    glimpse_xmp_parts parts = {{NULL}};
    if (fuzz_fine(glimpse_xmp_parts_read(&parts, text))) {
        char **words = NULL;
        size_t count = 0, capacity = 0;
        (void)fuzz_fine(glimpse_xmp_parts_keywords(&words, &count, &capacity, &parts));
        for (size_t i = 0; i < count; i++)
            free(words[i]);
        free(words);
    }
    glimpse_xmp_parts_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; files[f]; f++) {
            if (!fuzz_is(&parts[i], files[f])) continue;
            char *path = fuzz_path(files[f]);
            fuzz_write(files[f], parts[i].data, parts[i].size);
            if (f == SIDECAR) {
                char *text = fuzz_text(parts[i].data, parts[i].size);
                read_sidecar(path, text);
                free(text);
            } else {
                read_table(path);
                read_truth(path);
                read_predictions(path);
                read_captions(path);
                read_queries(path);
            }
            free(path);
        }
    }
    return 0;
}
