/*
 * pdf_writer.h - small PDF documents for tests: pages of text, and pages that are one picture, as a
 * scanner makes them.
 */
#ifndef GLIMPSE_TESTS_PDF_WRITER_H
#define GLIMPSE_TESTS_PDF_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct pdf_page {
    const char *text;   /* lines separated by \n, printable ASCII; NULL: a picture */
    const uint8_t *rgb; /* [height][width][3] */
    unsigned width, height;
} pdf_page;

/* 1 when the file was written. */
int pdf_write(const char *path, const pdf_page *pages, size_t count);

#endif
