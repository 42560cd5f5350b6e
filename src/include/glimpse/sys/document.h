/*
 * glimpse/sys/document.h - documents of pages: their text, their pictures, and which pages a
 * question is about.
 *
 *     glimpse_document *document = NULL;
 *     if (glimpse_document_open(&document, "report.pdf", NULL) < 0) ...
 *     for (size_t page = 1; page <= glimpse_document_page_count(document); page++)
 *         puts(glimpse_document_text(document, page));
 *     glimpse_image *image = NULL;
 *     glimpse_document_render(&image, document, 3, 1024);
 *     glimpse_document_close(document);
 *
 * PDF goes through Poppler's programs (pdfinfo, pdftotext, pdftoppm), each in a process of its own
 * with bounds on time, memory and output: a hostile file ends that process and nothing else.
 * Single pictures are documents of one page without text. Text is what the file holds; scanned
 * pages have none (nothing here recognises letters in pictures) and are found by how they look.
 *
 * Threads: a document is immutable after opening; rendering different pages in different threads is
 * fine.
 */
#ifndef GLIMPSE_DOCUMENT_H
#define GLIMPSE_DOCUMENT_H

#include <glimpse/status.h>
#include <glimpse/sys/image.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_document glimpse_document;

typedef struct glimpse_document_options {
    size_t size;           /* GLIMPSE_DOCUMENT_OPTIONS_INIT sets it */
    size_t max_pages;      /* more are refused with GLIMPSE_E_LIMIT; 0: 10000 */
    unsigned seconds;      /* for each run of a program; 0: 120 */
    uint64_t memory;       /* address space of each, bytes; 0: 2 GiB */
    const char *directory; /* where the programs are; NULL: along PATH */
} glimpse_document_options;

static inline glimpse_document_options glimpse_document_options_init(void) {
    glimpse_document_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_DOCUMENT_OPTIONS_INIT glimpse_document_options_init()

/* Reads the number of pages and all text. GLIMPSE_E_NOT_FOUND: no such file, or a program is
 * missing (the message says which package has it); GLIMPSE_E_FORMAT: damaged, encrypted, or no
 * document; GLIMPSE_E_LIMIT: too many pages, too much text, too slow. `options` may be NULL. */
GLIMPSE_API int glimpse_document_open(glimpse_document **out, const char *path,
                                      const glimpse_document_options *options);
GLIMPSE_API void glimpse_document_close(glimpse_document *document);

GLIMPSE_API const char *glimpse_document_path(const glimpse_document *document);  /* absolute */
GLIMPSE_API size_t glimpse_document_page_count(const glimpse_document *document); /* at least 1 */
/* Pages count from 1. UTF-8, lines as they stand on the page; "" for a page without text and for
 * one that does not exist. Borrowed. */
GLIMPSE_API const char *glimpse_document_text(const glimpse_document *document, size_t page);
/* The page as a picture whose long side has `long_side` pixels (16 to 8192). */
GLIMPSE_API int glimpse_document_render(glimpse_image **out, const glimpse_document *document,
                                        size_t page, uint32_t long_side);

/*
 * Which pages are about it.
 *
 * scores [pages] = how much of the question each page's text has: the share of the question's
 * words, weighed by how rare they are, that the page holds often enough,
 *
 *     score = sum of idf(w) * s(w, page) / sum of idf(w)          over the question's words w
 *     idf(w) = ln(1 + (N - n + 0.5) / (n + 0.5))                  n of N pages with text have w,
 *                                                             1 for words on none
 *     s = f / (f + 0.3 (1/4 + 3/4 length / mean length))          f times on the page
 *
 * which is BM25 (Robertson et al. 1994) with k1 = 0.3 and b = 0.75, scaled to 0..1 so that it says
 * how well the text explains the question. The small k1 is for pages: one mention nearly is enough.
 * Words are compared in lower case, an English plural as its singular; words of asking ("what",
 * "how", "is", "the", "page" ...) do not count. Scripts without blanks between words (Chinese,
 * Japanese, Thai) are compared by runs of letters, which finds little.
 */
GLIMPSE_API int glimpse_document_match(double *scores, const glimpse_document *document,
                                       const char *question);
/* The same with how the pages look: similarities [pages] are cosines of the pages with the question
 * and `logit_scale` is the model's. What text leaves open, looks decide:
 *
 *     score = text + (1 - largest text score of all pages) * softmax(logit_scale * cosine)     */
GLIMPSE_API void glimpse_document_blend(double *scores, size_t pages, const double *text,
                                        const double *similarities, double logit_scale);
/* The lines of the page that hold most of the question's words, at most `size` - 1 bytes of whole
 * characters, white space collapsed; "" when none does. */
GLIMPSE_API int glimpse_document_passage(char *out, size_t size, const glimpse_document *document,
                                         size_t page, const char *question);

#ifdef __cplusplus
}
#endif
#endif
