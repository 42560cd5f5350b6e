/*
 * document/match.c - which pages a question is about, by their words and by how they look.
 */
#include <glimpse/sys/document.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "text/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words are told apart by a hash of their characters: 128 bits, so that two never meet. */
enum { MAX_WORDS = 64, WORD_POINTS = 64, LINES_OF_PASSAGE = 3 };
static const double K1 = 0.3, B = 0.75;

typedef struct word_list {
    size_t count;
    glimpse_hash words[MAX_WORDS]; /* of the question, each once */
} word_list;

/* English words of asking and joining. Others that are in every page weigh little by their idf. */
static const char *const small_words[] = {
    "a",     "about", "an",    "and",   "any",   "are",  "as",   "at",   "be",    "by",   "can",
    "did",   "do",    "does",  "for",   "from",  "has",  "have", "how",  "in",    "is",   "it",
    "its",   "many",  "much",  "of",    "on",    "or",   "page", "show", "shown", "some", "tell",
    "that",  "the",   "their", "there", "these", "this", "to",   "was",  "were",  "what", "when",
    "where", "which", "who",   "whose", "why",   "will", "with", "you"};

static int is_small(const char *word) {
    for (size_t i = 0; i < sizeof small_words / sizeof small_words[0]; i++) {
        if (strcmp(small_words[i], word) == 0) return 1;
    }
    return 0;
}

/* The next word of `text` from *at on: its letters and digits in lower case as UTF-8, a plural's
 * "s" taken off. 0 at the end. Longer words are cut, which still compares them well enough. */
static int next_word(const char *text, size_t length, size_t *at, char *word, size_t capacity) {
    size_t used = 0, points = 0;
    while (*at < length) {
        uint32_t point;
        const size_t took = glimpse_utf8_decode(&point, text + *at, length - *at, NULL);
        const glimpse_class class = glimpse_unicode_class(point);
        const int inside = class == GLIMPSE_CLASS_LETTER || class == GLIMPSE_CLASS_NUMBER;
        if (!inside && points > 0) break;
        *at += took;
        if (!inside) continue;
        points++;
        if (used + GLIMPSE_UTF8_MAX_BYTES >= capacity) continue;
        char bytes[GLIMPSE_UTF8_MAX_BYTES];
        const size_t size = glimpse_utf8_encode(bytes, glimpse_unicode_lower(point));
        memcpy(word + used, bytes, size);
        used += size;
    }
    if (used > 3 && word[used - 1] == 's' && word[used - 2] != 's') used--;
    word[used] = '\0';
    return points > 0;
}

static void read_question(word_list *list, const char *question) {
    char word[WORD_POINTS * GLIMPSE_UTF8_MAX_BYTES];
    const size_t length = strlen(question);
    for (int keep_small = 0; keep_small < 2; keep_small++) {
        list->count = 0;
        for (size_t at = 0; next_word(question, length, &at, word, sizeof word);) {
            if ((!keep_small && is_small(word)) || list->count == MAX_WORDS) continue;
            const glimpse_hash hash = glimpse_hash_bytes(word, strlen(word));
            size_t i = 0;
            while (i < list->count && memcmp(&list->words[i], &hash, sizeof hash) != 0)
                i++;
            if (i == list->count) list->words[list->count++] = hash;
        }
        if (list->count > 0) return; /* a question of small words alone is taken as it is */
    }
}

/* How often each word of the question is in the text; returns the text's length in words. */
static size_t count_words(const word_list *list, const char *text, size_t length,
                          unsigned counts[MAX_WORDS]) {
    char word[WORD_POINTS * GLIMPSE_UTF8_MAX_BYTES];
    size_t words = 0;
    memset(counts, 0, MAX_WORDS * sizeof *counts);
    for (size_t at = 0; next_word(text, length, &at, word, sizeof word); words++) {
        const glimpse_hash hash = glimpse_hash_bytes(word, strlen(word));
        for (size_t i = 0; i < list->count; i++) {
            if (memcmp(&list->words[i], &hash, sizeof hash) == 0) counts[i]++;
        }
    }
    return words;
}

int glimpse_document_match(double *scores, const glimpse_document *document, const char *question) {
    const size_t pages = glimpse_document_page_count(document);
    word_list list;
    read_question(&list, question);
    for (size_t p = 0; p < pages; p++)
        scores[p] = 0.0;
    if (list.count == 0 || pages == 0) return GLIMPSE_OK;
    unsigned(*counts)[MAX_WORDS] = calloc(pages, sizeof *counts);
    size_t *lengths = calloc(pages, sizeof *lengths);
    if (!counts || !lengths) {
        free(counts);
        free(lengths);
        return glimpse_fail_nomem(pages * sizeof *counts, "pages");
    }
    size_t with_text = 0, holders[MAX_WORDS] = {0};
    double all_words = 0.0, weights = 0.0, idf[MAX_WORDS];
    for (size_t p = 0; p < pages; p++) {
        const char *text = glimpse_document_text(document, p + 1);
        lengths[p] = count_words(&list, text, strlen(text), counts[p]);
        all_words += (double)lengths[p];
        with_text += lengths[p] > 0;
        for (size_t i = 0; i < list.count; i++)
            holders[i] += counts[p][i] > 0;
    }
    for (size_t i = 0; i < list.count; i++) {
        /* A word nowhere in the document says no more than one on a single page. */
        const double n = holders[i] > 0 ? (double)holders[i] : 1.0;
        idf[i] = log(1.0 + ((double)with_text - n + 0.5) / (n + 0.5));
        weights += idf[i];
    }
    const double mean = with_text > 0 ? all_words / (double)with_text : 1.0;
    for (size_t p = 0; p < pages; p++) {
        for (size_t i = 0; i < list.count; i++) {
            const double f = counts[p][i];
            if (f <= 0.0) continue;
            scores[p] += idf[i] * f / (f + K1 * (1.0 - B + B * (double)lengths[p] / mean));
        }
        scores[p] /= weights;
    }
    free(counts);
    free(lengths);
    return GLIMPSE_OK;
}

void glimpse_document_blend(double *scores, size_t pages, const double *text,
                            const double *similarities, double logit_scale) {
    double explained = 0.0, largest = -INFINITY, sum = 0.0;
    for (size_t p = 0; p < pages; p++) {
        if (text[p] > explained) explained = text[p];
        if (similarities[p] > largest) largest = similarities[p];
    }
    for (size_t p = 0; p < pages; p++)
        sum += exp(logit_scale * (similarities[p] - largest));
    for (size_t p = 0; p < pages; p++) {
        const double looks = exp(logit_scale * (similarities[p] - largest)) / sum;
        scores[p] = text[p] + (1.0 - explained) * looks;
    }
}

/* `length` bytes with white space collapsed, as much as fits in whole characters. */
static void append_collapsed(char *out, size_t size, const char *text, size_t length) {
    size_t used = 0;
    int blank = 0;
    for (size_t at = 0; at < length;) {
        uint32_t point;
        const size_t took = glimpse_utf8_decode(&point, text + at, length - at, NULL);
        const int space = glimpse_unicode_class(point) == GLIMPSE_CLASS_SPACE || point < 0x20;
        if (space) {
            blank = used > 0;
        } else {
            if (used + (size_t)blank + took + 1 > size) break;
            if (blank) out[used++] = ' ';
            blank = 0;
            memcpy(out + used, text + at, took);
            used += took;
        }
        at += took;
    }
    out[used] = '\0';
}

int glimpse_document_passage(char *out, size_t size, const glimpse_document *document, size_t page,
                             const char *question) {
    if (size == 0) return glimpse_fail(GLIMPSE_E_INVALID, "no room for a passage");
    out[0] = '\0';
    word_list list;
    read_question(&list, question);
    /* Windows of one to a few lines slide over the page: the most words win, then the fewest lines,
     * then the first. */
    const char *text = glimpse_document_text(document, page), *best = NULL;
    size_t best_length = 0, best_found = 0;
    for (int lines = 1; lines <= LINES_OF_PASSAGE; lines++) {
        for (const char *from = text; *from;) {
            const char *to = from;
            for (int line = 0; line < lines && *to; line++) {
                to += strcspn(to, "\n");
                if (*to) to++;
            }
            unsigned counts[MAX_WORDS];
            (void)count_words(&list, from, (size_t)(to - from), counts);
            size_t found = 0;
            for (size_t i = 0; i < list.count; i++)
                found += counts[i] > 0;
            if (found > best_found) {
                best_found = found;
                best = from;
                best_length = (size_t)(to - from);
            }
            from += strcspn(from, "\n");
            if (*from) from++;
        }
    }
    if (best) append_collapsed(out, size, best, best_length);
    return GLIMPSE_OK;
}
