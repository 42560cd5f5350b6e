/*
 * pdf_writer.c - writes small PDF documents for tests. PDF 1.4 as ISO 32000-1 describes it: a
 * catalogue, a page tree, and for each page its object, its contents and, for pictures, an
 * uncompressed image.
 */
#include "support/pdf_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_WIDTH = 595, PAGE_HEIGHT = 842, MARGIN = 60, LEADING = 18 };
/* Objects: 1 catalogue, 2 page tree, 3 font, then three for each page. */
enum { CATALOGUE = 1, TREE, FONT, FIRST_PAGE, PER_PAGE = 3 };

static void begin(FILE *file, long *offsets, size_t number) {
    offsets[number] = ftell(file);
    (void)fprintf(file, "%zu 0 obj\n", number);
}

static void write_stream(FILE *file, const char *dictionary, const void *data, size_t size) {
    (void)fprintf(file, "<< %s/Length %zu >>\nstream\n", dictionary, size);
    (void)fwrite(data, 1, size, file);
    (void)fputs("\nendstream\nendobj\n", file);
}

/* The operators that show the text, malloc'ed. */
static char *text_operators(const char *text) {
    char *out = malloc(2 * strlen(text) + 64 * (strlen(text) + 2) + 256);
    if (!out) return NULL;
    size_t used = (size_t)sprintf(out, "BT /F1 12 Tf %d TL %d %d Td (", LEADING, MARGIN,
                                  PAGE_HEIGHT - MARGIN);
    for (const char *s = text; *s; s++) {
        if (*s == '\n') {
            used += (size_t)sprintf(out + used, ") Tj T* (");
        } else {
            if (strchr("()\\", *s)) out[used++] = '\\';
            out[used++] = *s;
        }
    }
    (void)sprintf(out + used, ") Tj ET");
    return out;
}

static int write_page(FILE *file, long *offsets, size_t number, const pdf_page *page) {
    begin(file, offsets, number);
    (void)fprintf(file,
                  "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Contents %zu 0 R "
                  "/Resources << /Font << /F1 %d 0 R >> /XObject << /Im %zu 0 R >> >> >>\nendobj\n",
                  TREE, PAGE_WIDTH, PAGE_HEIGHT, number + 1, FONT, number + 2);
    char picture[128];
    /* The picture as wide as the page, in its middle. */
    if (!page->text) {
        const double height = (double)PAGE_WIDTH * page->height / page->width;
        (void)snprintf(picture, sizeof picture, "q %d 0 0 %d 0 %d cm /Im Do Q", PAGE_WIDTH,
                       (int)height, (int)((PAGE_HEIGHT - height) / 2.0));
    }
    char *operators = page->text ? text_operators(page->text) : strdup(picture);
    if (!operators) return 0;
    begin(file, offsets, number + 1);
    write_stream(file, "", operators, strlen(operators));
    free(operators);
    begin(file, offsets, number + 2);
    static const uint8_t dot[3] = {255, 255, 255};
    char dictionary[160];
    const unsigned width = page->text ? 1 : page->width, height = page->text ? 1 : page->height;
    (void)snprintf(dictionary, sizeof dictionary,
                   "/Type /XObject /Subtype /Image /Width %u /Height %u /ColorSpace /DeviceRGB "
                   "/BitsPerComponent 8 ",
                   width, height);
    write_stream(file, dictionary, page->text ? dot : page->rgb, (size_t)width * height * 3);
    return 1;
}

int pdf_write(const char *path, const pdf_page *pages, size_t count) {
    const size_t objects = FIRST_PAGE + PER_PAGE * count;
    FILE *file = fopen(path, "wb");
    long *offsets = calloc(objects, sizeof *offsets);
    int good = file && offsets;
    if (good) {
        (void)fputs("%PDF-1.4\n", file);
        begin(file, offsets, CATALOGUE);
        (void)fprintf(file, "<< /Type /Catalog /Pages %d 0 R >>\nendobj\n", TREE);
        begin(file, offsets, TREE);
        (void)fprintf(file, "<< /Type /Pages /Count %zu /Kids [", count);
        for (size_t i = 0; i < count; i++)
            (void)fprintf(file, "%zu 0 R ", FIRST_PAGE + PER_PAGE * i);
        (void)fputs("] >>\nendobj\n", file);
        begin(file, offsets, FONT);
        (void)fputs("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n", file);
        for (size_t i = 0; good && i < count; i++)
            good = write_page(file, offsets, FIRST_PAGE + PER_PAGE * i, &pages[i]);
        const long table = ftell(file);
        (void)fprintf(file, "xref\n0 %zu\n0000000000 65535 f \n", objects);
        for (size_t i = 1; i < objects; i++)
            (void)fprintf(file, "%010ld 00000 n \n", offsets[i]);
        (void)fprintf(file, "trailer\n<< /Size %zu /Root %d 0 R >>\nstartxref\n%ld\n%%%%EOF\n",
                      objects, CATALOGUE, table);
    }
    free(offsets);
    if (file && fclose(file) != 0) good = 0;
    return good;
}
