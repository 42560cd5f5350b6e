/*
 * spelling.h - which of some names was meant by one that is none of them.
 */
#ifndef GLIMPSE_CORE_SPELLING_H
#define GLIMPSE_CORE_SPELLING_H

#include <stddef.h>

/* How many single letters have to be changed, added, left out or swapped with their neighbour to
 * make `b` of `a`, the case of ASCII letters aside; SIZE_MAX where one has more than 60 bytes. */
size_t glimpse_spelling_distance(const char *a, const char *b);

/* How far a name may be from `word` to be taken for a slip: one letter in three, rounded down, and
 * one of a word of three letters. What begins like `word`, or what `word` begins like, is one. */
int glimpse_spelling_is_near(size_t *distance, const char *word, const char *name);

/* The nearest of `names` [count], the first of equals; NULL: none is near. */
const char *glimpse_spelling_nearest(const char *word, const char *const *names, size_t count);

#endif
