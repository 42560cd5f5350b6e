/*
 * search_batch.c - glimpse search --queries FILE.
 *
 * One line is in memory at a time. The model and the index stay open from query to query.
 */
#include "search_batch.h"

#include "json_out.h"
#include "output.h"
#include "progress.h"
#include "tool.h"

#include <glimpse/query.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LIMIT = 64 << 10 };

typedef struct batch {
    FILE *from;
    const char *name;
    char *line; /* [LINE_LIMIT + 1] without its end */
    size_t size;
    int is_too_long, has_nul;
    uint64_t number; /* of the line, from 1 */
    uint64_t answered, failed, found;
} batch;

/* 1: a line; 0: there is none. What is behind LINE_LIMIT is read and dropped. */
static int read_line(batch *b) {
    int c = getc(b->from);
    b->size = 0;
    b->is_too_long = b->has_nul = 0;
    if (c == EOF) return 0;
    b->number++;
    for (; c != EOF && c != '\n'; c = getc(b->from)) {
        b->has_nul |= c == '\0';
        if (b->size == LINE_LIMIT) {
            b->is_too_long = 1;
        } else {
            b->line[b->size++] = (char)c;
        }
    }
    if (b->size > 0 && b->line[b->size - 1] == '\r') b->size--;
    if (b->number == 1 && b->size >= 3 && memcmp(b->line, "\xef\xbb\xbf", 3) == 0) {
        b->size -= 3; /* a byte-order mark is no part of the text */
        memmove(b->line, b->line + 3, b->size);
    }
    b->line[b->size] = '\0';
    return 1;
}

static int is_blank(const batch *b) {
    return strspn(b->line, " \t") == b->size;
}

static void print_error(batch *b, const char *message) {
    json_out j = {stdout, 0};
    b->failed++;
    jout_open(&j, '{');
    jout_key(&j, "query"), jout_bytes(&j, b->line, b->size);
    jout_key(&j, "line"), jout_uint(&j, b->number);
    jout_key(&j, "error"), jout_string(&j, message);
    jout_close(&j, '}');
    jout_end(&j);
}

/* 1 when a failure is the query's own: of its words or of a picture that it names. Anything else
 * would be the same of every line. */
static int is_of_query(int status, const char *words) {
    glimpse_query *query = NULL;
    if (status == GLIMPSE_E_INVALID) return 1;
    if (status == GLIMPSE_E_NOMEM || status == GLIMPSE_E_CORRUPT) return 0;
    const int has_picture = glimpse_query_parse(&query, &words, 1) == GLIMPSE_OK &&
                            (glimpse_query_towers(query) & GLIMPSE_TOWER_IMAGE) != 0;
    glimpse_query_free(query);
    return has_picture;
}

/* CLI_RUN to go on, or an exit code. */
static int answer(batch *b, const session *s, const glimpse_find_options *find) {
    const output_options json = {.json = 1};
    const char *query = b->line;
    glimpse_hits *hits = NULL;
    if (b->is_too_long || b->has_nul) {
        char *message = b->has_nul ? xprintf("%s, line %llu: there is a NUL byte in it", b->name,
                                             (unsigned long long)b->number)
                                   : xprintf("%s, line %llu is longer than %d bytes", b->name,
                                             (unsigned long long)b->number, LINE_LIMIT);
        if (b->is_too_long) b->size = 80; /* its beginning tells which one it is */
        print_error(b, message);
        free(message);
        return CLI_RUN;
    }
    int status = glimpse_session_search(&hits, s->base, &query, 1, find);
    if (status == GLIMPSE_E_CANCELLED) return session_stopped(status, "what was answered is kept");
    if (status < 0) {
        char *message = xstrdup(glimpse_last_error());
        const int goes_on = is_of_query(status, query);
        if (goes_on) print_error(b, message);
        if (!goes_on) (void)tool_fail("%s", message);
        free(message);
        if (!goes_on) return EXIT_FAILED;
        return CLI_RUN;
    }
    const int code = output_hits_quietly(&json, query, hits);
    b->failed += glimpse_hits_summarize(hits)->failed > 0;
    b->found += code == EXIT_FOUND;
    glimpse_hits_free(hits);
    return code == EXIT_FOUND || code == EXIT_NOTHING ? CLI_RUN : code;
}

static int answer_all(batch *b, const session *s, const glimpse_find_options *find) {
    const double start = progress_now();
    int code = CLI_RUN;
    while (code == CLI_RUN && read_line(b)) {
        if (tool_stopped())
            return session_stopped(GLIMPSE_E_CANCELLED, "what was answered is kept");
        if (is_blank(b)) continue;
        progress_show("searching", b->answered, b->answered, 0, progress_now() - start, b->line);
        code = answer(b, s, find);
        b->answered++;
        tool_flush();
        if (ferror(stdout)) break; /* nobody reads, or tool_finish() says what is wrong */
    }
    if (code != CLI_RUN) return code;
    if (ferror(b->from)) return tool_fail("%s: %s", b->name, strerror(errno));
    if (b->answered == 0) return tool_fail("%s: there is no query in it", b->name);
    if (b->failed > 0) {
        tool_note("%llu of %llu queries failed", (unsigned long long)b->failed,
                  (unsigned long long)b->answered);
        return EXIT_PARTIAL;
    }
    if (b->found < b->answered) {
        tool_note("nothing found for %llu of %llu queries",
                  (unsigned long long)(b->answered - b->found), (unsigned long long)b->answered);
    }
    return b->found > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

int search_batch(const session *s, const char *file, const glimpse_find_options *find) {
    const int is_input = strcmp(file, "-") == 0;
    batch b = {.name = is_input ? "standard input" : file};
    b.from = is_input ? stdin : fopen(file, "re");
    if (!b.from) return tool_fail("%s: %s", file, strerror(errno));
    b.line = xmalloc(LINE_LIMIT + 1);
    int code = answer_all(&b, s, find);
    progress_clear();
    if (!is_input) (void)fclose(b.from);
    free(b.line);
    return code;
}
