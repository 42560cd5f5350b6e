/*
 * text/output/csv_out.c - quotes the fields of comma-separated values that need it.
 */
#include "csv_out.h"

#include <string.h>

void glimpse_csv_field(FILE *to, const char *text) {
    if (!strpbrk(text, ",\"\r\n") && *text != ' ' && *text != '#') {
        (void)fputs(text, to);
        return;
    }
    (void)fputc('"', to);
    for (; *text; text++) {
        if (*text == '"') (void)fputc('"', to);
        (void)fputc(*text, to);
    }
    (void)fputc('"', to);
}
