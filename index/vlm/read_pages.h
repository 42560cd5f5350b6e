/*
 * read_pages.h - which pages of a document a question is about: by their text, and by how they
 * look to a CLIP model.
 */
#ifndef GLIMPSE_TOOLS_READ_PAGES_H
#define GLIMPSE_TOOLS_READ_PAGES_H

#include "session.h"

#include <glimpse/sys/document.h>

typedef struct found_page {
    size_t page;
    double score;  /* what pages are ordered by */
    double text;   /* glimpse_document_match */
    double cosine; /* of its look with the question; -2 when that was not looked at */
} found_page;

typedef struct found_pages {
    found_page *pages; /* [count], best first */
    size_t count;
    int looked; /* cosines are there */
} found_pages;

/* All pages with a score above 0 in order, at most `most`. With s->model open (both towers) pages
 * are rendered and looked at as well, unless the text explains the whole question already. CLI_RUN,
 * or an exit code after the message. */
int read_pages_find(found_pages *found, session *s, const glimpse_document *document,
                    const char *question, size_t most);
void read_pages_free(found_pages *found);

#endif
