/*
 * text.c - makes bytes from outside fit for a terminal, JSON and HTML.
 */
#include "text.h"

#include "display.h"
#include "memory.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

char *text_display(const char *bytes) {
    return xcheck(glimpse_text_display(bytes));
}

static size_t width_of(uint32_t c) {
    int width = utf8proc_charwidth((utf8proc_int32_t)c);
    return width > 0 ? (size_t)width : 0;
}

size_t text_width(const char *text) {
    size_t columns = 0;
    for (uint32_t c; (c = glimpse_text_next(&text)) != 0;)
        columns += width_of(c);
    return columns;
}

char *text_fit(const char *text, size_t columns) {
    size_t all = text_width(text);
    if (all <= columns) return xstrdup(text);
    const char *gap = text_terminal_is_utf8() ? "\xE2\x80\xA6" : "...";
    size_t gap_width = text_width(gap);
    size_t capacity = columns > gap_width ? columns - gap_width : 0;
    /* The end of a path says more than its beginning: two thirds for it. */
    size_t head = capacity / 3, tail = capacity - head, used = 0;
    const char *s = text, *head_end = text, *tail_start;
    while (*s) {
        uint32_t c = glimpse_text_next(&s);
        if (used + width_of(c) > head) break;
        used += width_of(c);
        head_end = s;
    }
    size_t before = 0;
    for (tail_start = text; *tail_start && all - before > tail;)
        before += width_of(glimpse_text_next(&tail_start));
    return xprintf("%.*s%s%s", (int)(head_end - text), text, gap, tail_start);
}

void text_print_padded(const char *text, size_t columns) {
    size_t width = text_width(text);
    (void)printf("%s%*s", text, (int)(columns > width ? columns - width : 0), "");
}

int text_terminal_is_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return 0;
}

size_t text_terminal_columns(int fd) {
    struct winsize size;
    if (!isatty(fd)) return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long value = columns ? strtol(columns, NULL, 10) : 0;
    return value > 0 && value < 10000 ? (size_t)value : 80;
}

char *text_percent(const char *bytes) {
    char *out = xmalloc(3 * strlen(bytes) + 1), *to = out;
    for (const unsigned char *s = (const unsigned char *)bytes; *s; s++) {
        int plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                    (*s >= '0' && *s <= '9') || strchr("/-_.~", *s) != NULL;
        to += sprintf(to, plain ? "%c" : "%%%02X", *s);
    }
    *to = '\0';
    return out;
}

const char *text_near_path(const char *path, char **storage) {
    *storage = NULL;
    char here[PATH_MAX];
    if (path[0] != '/' || !getcwd(here, sizeof here) || strcmp(here, "/") == 0) return path;
    size_t same = 0; /* up to a / that both have, or the end of `here` */
    for (size_t i = 0;; i++) {
        int here_ends = here[i] == '\0' || here[i] == '/';
        if (here_ends && path[i] == '/') same = i;
        if (here[i] == '\0' || here[i] != path[i]) break;
    }
    if (same == 0) return path; /* nothing in common but the root */
    size_t up = 0;
    for (const char *s = here + same; *s; s++)
        up += *s == '/';
    const char *rest = path + same + 1;
    if (3 * up + strlen(rest) >= strlen(path)) return path;
    char *near = xmalloc(3 * up + strlen(rest) + 3), *to = near;
    /* A name that starts with - would be taken for an option when pasted. */
    if (up == 0 && rest[0] == '-') to = stpcpy(to, "./");
    for (size_t i = 0; i < up; i++)
        to = stpcpy(to, "../");
    (void)stpcpy(to, rest);
    *storage = near;
    return near;
}

enum { BUFFER_BYTES = 64 };

static char *next_buffer(void) {
    static char buffers[8][BUFFER_BYTES];
    static unsigned orientation;
    return buffers[orientation++ % 8];
}

/* Returns how long it is. */
static size_t write_count(char *out, uint64_t number) {
    char digits[24], *to = out;
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return (size_t)(to - out);
}

const char *text_count(uint64_t number) {
    char *out = next_buffer();
    (void)write_count(out, number);
    return out;
}

const char *text_counted(uint64_t number, const char *one, const char *many) {
    char *out = next_buffer();
    size_t length = write_count(out, number);
    (void)snprintf(out + length, BUFFER_BYTES - length, " %s", number == 1 ? one : many);
    return out;
}

const char *text_bytes(uint64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit < 5) {
        value /= 1000;
        unit++;
    }
    char *out = next_buffer();
    (void)snprintf(out, 40, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *text_duration(double seconds) {
    char *out = next_buffer();
    if (!(seconds >= 0) || seconds > 3.6e9) seconds = 0;
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (seconds < 9.95) {
        (void)snprintf(out, 40, "%.1f s", seconds);
    } else if (whole < 60) {
        (void)snprintf(out, 40, "%lu s", whole);
    } else if (whole < 3600) {
        (void)snprintf(out, 40, "%lu:%02lu", whole / 60, whole % 60);
    } else {
        (void)snprintf(out, 40, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    }
    return out;
}

size_t text_distance(const char *a, const char *b) {
    enum { MAX_COUNT = 40 };
    size_t n = strlen(a), m = strlen(b), row[3][MAX_COUNT + 1];
    if (n > MAX_COUNT || m > MAX_COUNT) return MAX_COUNT;
    memset(row, 0, sizeof row);
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    size_t *before = row[2], *last = row[0], *now = row[1];
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = last[j - 1] +
                          (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

const char *text_closest(const char *word, const char *const *names) {
    size_t length = strlen(word), best = length < 4 ? 2 : length / 3 + 1;
    const char *closest = NULL;
    for (; *names; names++) {
        size_t distance = text_distance(word, *names);
        /* The beginning of a name is as good as one slip. */
        if (length >= 3 && strncmp(word, *names, length) == 0) distance = 1;
        if (distance < best) {
            best = distance;
            closest = *names;
        }
    }
    return closest;
}
