/*
 * cmd_rerank.c - glimpse rerank QUERY FILES: a list from anywhere, looked at by a vision-language
 * model and put in order.
 */
#include "cli.h"
#include "json_out.h"
#include "output.h"
#include "progress.h"
#include "session.h"
#include "table.h"
#include "text.h"
#include "tool.h"
#include "vlm_session.h"

#include <glimpse/session_search.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pictures {
    char **paths;
    size_t count, capacity;
} pictures;

static void add(pictures *p, const char *path, size_t length) {
    if (length == 0) return;
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : 64;
        p->paths = xrealloc(p->paths, p->capacity * sizeof *p->paths);
    }
    p->paths[p->count++] = xprintf("%.*s", (int)length, path);
}

/* Lines, or with a NUL byte anywhere what lies between NUL bytes (find -print0, search -0). */
static int read_list(pictures *p) {
    char *bytes = NULL;
    size_t used = 0, capacity = 0;
    for (;;) {
        if (used == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 16;
            bytes = xrealloc(bytes, capacity);
        }
        size_t got = fread(bytes + used, 1, capacity - used, stdin);
        if (got == 0) break;
        used += got;
    }
    if (ferror(stdin)) {
        free(bytes);
        return tool_fail("cannot read the list of pictures: %s", strerror(errno));
    }
    char end = used > 0 && memchr(bytes, '\0', used) ? '\0' : '\n';
    for (size_t at = 0; at < used;) {
        const char *next = memchr(bytes + at, end, used - at);
        size_t length = next ? (size_t)(next - (bytes + at)) : used - at;
        size_t shown = length;
        if (end == '\n' && shown > 0 && bytes[at + shown - 1] == '\r') shown--;
        add(p, bytes + at, shown);
        at += length + 1;
    }
    free(bytes);
    return CLI_RUN;
}

typedef struct rerank_output {
    int json, tsv, paths, nul;
    uint64_t count;
    double weight;
} rerank_output;

static void print_json(const rerank_output *o, const char *query, const glimpse_hits *hits,
                       size_t shown) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "query", query);
    jout_key(&j, "rerank");
    jout_open(&j, '{');
    jout_path(&j, "model", summary->vlm.name);
    jout_key(&j, "weight"), jout_number(&j, o->weight);
    jout_key(&j, "depth"), jout_uint(&j, glimpse_hits_count(hits));
    jout_key(&j, "failed"), jout_uint(&j, summary->failed);
    jout_close(&j, '}');
    jout_key(&j, "results");
    jout_open(&j, '[');
    for (size_t i = 0; i < shown; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        jout_open(&j, '{');
        jout_key(&j, "rank"), jout_uint(&j, i + 1);
        jout_key(&j, "first_rank"), jout_uint(&j, hit->first_rank);
        jout_key(&j, "vlm_probability"), jout_number(&j, hit->probability);
        jout_key(&j, "blended"), jout_number(&j, hit->blended);
        jout_text_or_null(&j, "vlm_problem", hit->reason);
        jout_path(&j, "path", hit->path);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

/* The rankings are blended where neither is left out of account. */
static void print_table(const rerank_output *o, const glimpse_hits *hits, size_t shown) {
    const int blends = o->weight < 1.0;
    table *t = table_create();
    if (blends) table_add_column(t, "blended", TABLE_RIGHT, 6, TERMINAL_ACCENT);
    table_add_column(t, "vlm", TABLE_RIGHT, 6, blends ? TERMINAL_PLAIN : TERMINAL_ACCENT);
    table_add_column(t, "was", TABLE_RIGHT, 3, TERMINAL_FAINT);
    table_add_column(t, "path", TABLE_PATH, 0, TERMINAL_STRONG);
    for (size_t i = 0; i < shown; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        table_add_row(t, hit->path, "");
        if (blends) table_add_cell(t, isnan(hit->blended) ? NULL : xprintf("%.3f", hit->blended));
        table_add_cell(t, isnan(hit->probability) ? NULL : xprintf("%.3f", hit->probability));
        table_add_cell(t, xprintf("%zu", hit->first_rank));
        if (hit->reason) table_add_line(t, hit->reason);
    }
    table_print(t, NULL, NULL);
    table_free(t);
}

static void print_rest(const rerank_output *o, const glimpse_hits *hits, size_t shown) {
    if (!o->paths && !o->nul && !o->tsv) {
        print_table(o, hits, shown);
        return;
    }
    for (size_t i = 0; i < shown; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        if (!o->tsv) {
            output_path(hit->path, o->nul ? '\0' : '\n');
            continue;
        }
        char *path = text_display(hit->path), score[32] = "";
        if (!isnan(hit->probability)) {
            (void)snprintf(score, sizeof score, "%.6f", hit->probability);
        }
        (void)printf("%zu\t%s\t%s\t%zu\n", i + 1, score, path, hit->first_rank);
        free(path);
    }
}

static int print_hits(const rerank_output *o, const char *query, const glimpse_hits *hits) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    size_t count = glimpse_hits_count(hits);
    size_t shown = o->count > 0 && o->count < count ? (size_t)o->count : count;
    progress_clear();
    vlm_note_use(&summary->vlm);
    if (o->json) {
        print_json(o, query, hits, shown);
    } else {
        print_rest(o, hits, shown);
    }
    if (summary->failed == 0) return EXIT_FOUND;
    tool_note("%s of %s got no score and kept their place in the list", text_count(summary->failed),
              text_counted(count, "picture", "pictures"));
    return EXIT_PARTIAL;
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    rerank_output o = {.weight = 1.0};
    const cli_option options[] = {
        CLI_TEXT("model", 'm', &v.spec, "MODEL",
                 "the vision-language model: a folder, a name, or a remote model such as "
                 "openai:gpt-4o-mini (default: $GLIMPSE_VLM, else the demo VLM)"),
        OPTION_COUNT(o.count, "print only the best N"),
        CLI_NUMBER("weight", 'w', &o.weight, "W",
                   "0 keeps the order of the list, 1 is that of the model (default: 1)"),
        OPTIONS_LIST_OUTPUT(o, "rank, probability, path, former rank"),
        VLM_SESSION_OPTIONS(v),
        CLI_HEADING("Library (its answers are not asked for again)"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_rerank, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    pictures p = {0};
    glimpse_hits *hits = NULL;
    tool_set_quiet(s.quiet);
    if (arguments.count < 1 || !*arguments.words[0]) {
        code = cli_misuse(&cmd_rerank, "what should the pictures be compared with?");
    } else if (o.json + o.tsv + (o.paths || o.nul) > 1) {
        code = cli_misuse(&cmd_rerank, "choose one of --json, --tsv and --paths");
    } else if (!(o.weight >= 0.0 && o.weight <= 1.0)) {
        code = cli_misuse(&cmd_rerank, "--weight goes from 0 to 1");
    }
    if (code != CLI_RUN) goto done;
    for (size_t i = 1; i < arguments.count && code == CLI_RUN; i++) {
        if (strcmp(arguments.words[i], "-") == 0) {
            code = read_list(&p);
        } else {
            add(&p, arguments.words[i], strlen(arguments.words[i]));
        }
    }
    if (code == CLI_RUN && arguments.count == 1) {
        code = cli_misuse(&cmd_rerank, "which pictures? FILES, or - to read a list");
    }
    if (code != CLI_RUN) goto done;
    if (p.count == 0) {
        tool_note("the list is empty");
        code = EXIT_NOTHING;
        goto done;
    }
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    glimpse_find_options find = GLIMPSE_FIND_OPTIONS_INIT;
    find.rerank_weight = o.weight;
    find.vlm = &settings;
    find.progress = session_show_progress;
    find.cancelled = session_cancelled;
    tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    int status = glimpse_session_rerank(&hits, s.base, arguments.words[0],
                                        (const char *const *)p.paths, p.count, &find);
    code = status < 0 ? session_fail(status) : print_hits(&o, arguments.words[0], hits);
done:
    glimpse_hits_free(hits);
    for (size_t i = 0; i < p.count; i++)
        free(p.paths[i]);
    free(p.paths);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_rerank = {
    "rerank",
    "QUERY FILE... | -",
    "put a list of pictures in order by looking at each",
    "Asks a vision-language model how well QUERY, one text, describes each picture, and prints the "
    "pictures best first. \"-\" reads the list from standard input: paths, one a line or ended by "
    "NUL bytes. A picture that gets no score keeps its place in the list. glimpse search --rerank "
    "does it with the results of a search.\n\n"
    "Exit code 3 when pictures got no score.",
    "  glimpse rerank \"a red ball left of a blue cube\" *.jpg\n"
    "  glimpse search red ball -k 100 -0 | glimpse rerank \"a red ball left of a blue cube\" -\n"
    "  glimpse rerank \"a signed contract\" scans/*.png --model openai:gpt-4o-mini --max-cost "
    "0.5\n",
    run,
};
