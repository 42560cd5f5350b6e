/*
 * glimpse/captions.h - captions kept in a library, and searched as text.
 *
 *     glimpse_caption caption = {.id = file->id, .style = GLIMPSE_CAPTION_SHORT,
 *                                .model = "blip:...", .prompt = "", .text = "a dog in the snow"};
 *     glimpse_library_store_captions(NULL, library, &caption, 1);
 *
 *     glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
 *     search.captions = "dog snow";               // glimpse/library.h: both rankings become one
 *
 * A caption belongs to a content (a picture's bytes), so copies and moved files have it as well. It
 * is known by content, style, model and prompt: the same question has one caption, and storing it
 * again replaces the text. Several models' captions of one picture stand side by side. What was
 * stored is found by the next search, also by one in another process.
 *
 * Text index: SQLite's FTS5 over all captions, words folded to lower case without diacritics
 * (unicode61) and English endings taken off (Porter 1980): "Running dogs" finds "dog runs". A
 * caption's score is Okapi BM25 with k1 = 1.2, b = 0.75 (Robertson, Walker et al. 1994), the
 * greater the better, 0 or more.
 *
 * Threads: as the library they belong to.
 */
#ifndef GLIMPSE_CAPTIONS_H
#define GLIMPSE_CAPTIONS_H

#include <glimpse/library.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_caption_style {
    GLIMPSE_CAPTION_SHORT = 0, /* one sentence */
    GLIMPSE_CAPTION_DETAILED,  /* a paragraph */
    GLIMPSE_CAPTION_KEYWORDS,  /* words, separated by commas */
    GLIMPSE_CAPTION_ALT        /* for those who cannot see the picture, on a web page */
} glimpse_caption_style;
enum { GLIMPSE_CAPTION_STYLES = 4, GLIMPSE_CAPTION_ANY = -1 };

/* "short", "detailed", "keywords", "alt"; NULL for anything else. */
GLIMPSE_API const char *glimpse_caption_style_name(int style);

typedef struct glimpse_caption {
    const char *id; /* content id, 32 hexadecimal digits */
    glimpse_caption_style style;
    const char *model;   /* who wrote it: a name that changes when its answers would; not empty */
    const char *prompt;  /* what it was asked, "" when nothing */
    const char *text;    /* UTF-8, not empty */
    const char *created; /* "2021-05-30T14:03:59", UTC; not looked at when stored */
} glimpse_caption;

/* Stores them in one transaction. One of a content that the library does not know (pruned
 * meanwhile) is left out; *stored (may be NULL) counts the others. GLIMPSE_E_INVALID for an id that
 * is none, an unknown style, an empty model or text, or a text that is not UTF-8 or longer than
 * 65,536 bytes: then nothing is stored. GLIMPSE_E_BUSY when another process is writing. */
GLIMPSE_API int glimpse_library_store_captions(size_t *stored, glimpse_library *library,
                                               const glimpse_caption *captions, size_t count);

/* Which captions a call is about. NULL and GLIMPSE_CAPTION_ANY: all. */
typedef struct glimpse_caption_filter {
    size_t size;            /* GLIMPSE_CAPTION_FILTER_INIT sets it */
    const char *path_or_id; /* as for glimpse_library_embedding */
    int style;              /* glimpse_caption_style */
    const char *model, *prompt;
} glimpse_caption_filter;

static inline glimpse_caption_filter glimpse_caption_filter_init(void) {
    glimpse_caption_filter filter;
    memset(&filter, 0, sizeof filter);
    filter.size = sizeof filter;
    filter.style = GLIMPSE_CAPTION_ANY;
    return filter;
}
#define GLIMPSE_CAPTION_FILTER_INIT glimpse_caption_filter_init()

/* Calls `visit` for each, by content id, style, and of one style the one written last first. A
 * non-zero return stops and is returned. GLIMPSE_E_NOT_FOUND when `path_or_id` is not in the
 * library, GLIMPSE_E_CORRUPT when one is not what was stored. `visit` must not write to the library
 * through this handle. */
typedef int (*glimpse_caption_fn)(void *user, const glimpse_caption *caption);
GLIMPSE_API int glimpse_library_captions(glimpse_library *library,
                                         const glimpse_caption_filter *filter,
                                         glimpse_caption_fn visit, void *user);

/* Forgets them. *forgotten (may be NULL) says how many they were; none is no failure. */
GLIMPSE_API int glimpse_library_forget_captions(uint64_t *forgotten, glimpse_library *library,
                                                const glimpse_caption_filter *filter);

/* The words of a caption of GLIMPSE_CAPTION_KEYWORDS, "dog, snow,  winter sun": trimmed, none
 * empty.
 */
GLIMPSE_API int glimpse_caption_keywords(char ***words, size_t *count, const char *text);
GLIMPSE_API void glimpse_caption_keywords_free(char **words, size_t count);

#ifdef __cplusplus
}
#endif
#endif
