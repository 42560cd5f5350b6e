/*
 * index/vlm/pages.h - which pages of a document a question is about, and what a vision-language
 * model answers that is shown them. Private to the library.
 *
 *     glimpse_reading *reading = NULL;
 *     status = glimpse_reading_create(&reading, document);
 *     if (status == GLIMPSE_OK)
 *         status = glimpse_pages_find(reading, document, question, encoder, model, &options);
 *     if (status == GLIMPSE_OK && reading->count > 0)
 *         status = glimpse_pages_ask(reading, document, &asking);
 */
#ifndef GLIMPSE_INDEX_PAGES_H
#define GLIMPSE_INDEX_PAGES_H

#include <glimpse/reading.h>
#include <glimpse/sys/document.h>
#include <glimpse/sys/model.h>

enum { GLIMPSE_PAGE_SQUARES = 3 }; /* what an encoder must take at once */

int glimpse_reading_create(glimpse_reading **out, const glimpse_document *document);

/* The pages of a score above 0 in order, at most options->max_pages. With an encoder (of both
 * towers; NULL: none) pages are rendered and looked at as well, unless the text explains the whole
 * question already. */
int glimpse_pages_find(glimpse_reading *reading, const glimpse_document *document,
                       const char *question, glimpse_encoder *encoder, const glimpse_model *model,
                       const glimpse_reading_options *options);

typedef struct glimpse_pages_asking {
    glimpse_vlm *vlm;
    const glimpse_vlm_run_options *run;
    const char *question;
    const char *prompt; /* whole, for a remote model, else NULL */
    unsigned samples;
    int keep_metadata;
    unsigned max_tokens; /* 0: the task's */
} glimpse_pages_asking;

/* Shows the pages found to the model. */
int glimpse_pages_ask(glimpse_reading *reading, const glimpse_document *document,
                      const glimpse_pages_asking *asking);

#endif
