/*
 * spelling.c - the distance of two names, and the nearest of several.
 */
#include "spelling.h"

#include <stdint.h>
#include <string.h>

enum { MAX_LETTERS = 60, MIN_BEGINNING = 3 };

static int lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : (unsigned char)letter;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t glimpse_spelling_distance(const char *a, const char *b) {
    const size_t n = strlen(a), m = strlen(b);
    size_t rows[3][MAX_LETTERS + 1]; /* of the last, this and the one before the last letter of a */
    if (n > MAX_LETTERS || m > MAX_LETTERS) return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t change = lower(a[i - 1]) != lower(b[j - 1]);
            now[j] = smaller(last[j - 1] + change, smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && change && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                now[j] = smaller(now[j], before[j - 2] + 1);
            }
        }
    }
    return rows[n % 3][m];
}

/* 1 when one of them is the beginning of the other. */
static int begins(const char *a, const char *b) {
    size_t common = 0;
    while (a[common] && lower(a[common]) == lower(b[common]))
        common++;
    return common >= MIN_BEGINNING && (!a[common] || !b[common]);
}

int glimpse_spelling_is_near(size_t *distance, const char *word, const char *name) {
    *distance = begins(word, name) ? 1 : glimpse_spelling_distance(word, name);
    return *distance <= strlen(word) / 3;
}

const char *glimpse_spelling_nearest(const char *word, const char *const *names, size_t count) {
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance;
        if (glimpse_spelling_is_near(&distance, word, names[i]) && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
