/*
 * queries.c - what people type: queries, dates of filters, lists, prompts, keywords. Lines are the
 * words as a shell would hand them over.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "dates.h"

#include <glimpse/captions.h>
#include <glimpse/label.h>
#include <glimpse/query.h>
#include <glimpse/status.h>
#include <glimpse/sys/vlm.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16 };

static void parse(const char *const *words, size_t count) {
    glimpse_query *query = NULL;
    if (fuzz_fine(glimpse_query_parse(&query, words, count))) {
        PROMISE(glimpse_query_count(query) > 0 && glimpse_query_towers(query) != 0);
        for (size_t i = 0; i < glimpse_query_count(query); i++) {
            const glimpse_query_term *term = glimpse_query_get(query, i);
            PROMISE(term->weight != 0 && fabs(term->weight) <= 1000);
            PROMISE(*term->body != '\0');
        }
    } else {
        PROMISE(!query);
    }
    glimpse_query_free(query);
}

static void dates(const char *text) {
    char taken[GLIMPSE_DATE_BYTES], again[GLIMPSE_DATE_BYTES];
    int64_t time = 0, same = 1;
    if (!fuzz_fine(glimpse_date_parse(text, "a date", taken, &time))) return;
    PROMISE(strlen(taken) == GLIMPSE_DATE_BYTES - 1);
    /* What it means can be written as it means it. */
    PROMISE(glimpse_date_parse(taken, "a date", again, &same) == GLIMPSE_OK);
    PROMISE(same == time && strcmp(taken, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *copy = fuzz_text(data, size), *at = copy;
    const char *words[WORDS];
    size_t count = 0;
    while (at && count < WORDS)
        words[count++] = strsep(&at, "\n");
    parse(words, count);
    dates(words[0]);

    glimpse_lines *lines = NULL;
    if (fuzz_fine(glimpse_lines_split(&lines, text, ','))) {
        for (size_t i = 0; i < glimpse_lines_count(lines); i++)
            PROMISE(*glimpse_lines_texts(lines)[i] != '\0');
    }
    glimpse_lines_free(lines);
    glimpse_classes *classes = NULL;
    if (fuzz_fine(glimpse_classes_split(&classes, text)))
        PROMISE(glimpse_classes_count(classes) > 0);
    glimpse_classes_free(classes);

    char *filled = NULL;
    if (fuzz_fine(glimpse_vlm_fill(&filled, text, words[0]))) PROMISE(filled != NULL);
    glimpse_free(filled);
    char **keywords = NULL;
    size_t keyword_count = 0;
    if (fuzz_fine(glimpse_caption_keywords(&keywords, &keyword_count, text))) {
        for (size_t i = 0; i < keyword_count; i++)
            PROMISE(*keywords[i] != '\0');
    }
    glimpse_caption_keywords_free(keywords, keyword_count);
    free(copy);
    free(text);
    return 0;
}
