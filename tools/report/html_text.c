/*
 * html_text.c - writes bytes from outside as text and links of an HTML page.
 */
#include "html_text.h"

#include "display.h"
#include "text.h"

#include <stdlib.h>

static void write_text(FILE *to, const char *bytes, int may_break) {
    for (uint32_t c; (c = glimpse_text_next(&bytes)) != 0;) {
        char utf8[4];
        if (c < 0x20) {
            c += 0x2400;
        } else if (c == 0x7F) {
            c = 0x2421;
        } else if ((c >= 0x80 && c < 0xA0) || c == 0x200E || c == 0x200F ||
                   (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFFFE ||
                   c == 0xFFFF) {
            c = 0xFFFD;
        }
        switch (c) {
        case '&': (void)fputs("&amp;", to); break;
        case '<': (void)fputs("&lt;", to); break;
        case '>': (void)fputs("&gt;", to); break;
        case '"': (void)fputs("&quot;", to); break;
        case '\'': (void)fputs("&#39;", to); break;
        default: (void)fwrite(utf8, 1, glimpse_text_encode(utf8, c), to);
        }
        if (may_break && *bytes && (c == '/' || c == '_')) (void)fputs("<wbr>", to);
    }
}

void html_text(FILE *to, const char *bytes) {
    write_text(to, bytes, 0);
}

void html_path(FILE *to, const char *bytes) {
    write_text(to, bytes, 1);
}

void html_file_link(FILE *to, const char *path) {
    char *escaped = text_percent(path);
    (void)fprintf(to, "file://%s", escaped);
    free(escaped);
}
