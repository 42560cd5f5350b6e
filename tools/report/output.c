/*
 * output.c - writes the results of a search as a table, JSON, TSV, paths or a contact sheet.
 */
#include "output.h"

#include "json_out.h"
#include "preview.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned long MAX_OPENED = 100;
enum { MODEL_COLUMNS = 12 }; /* of the ranks of one of several models */

int output_check(const output_options *o, const cli_command *command) {
    if (o->json + o->tsv + (o->paths || o->nul) > 1) {
        return cli_misuse(command, "choose one of --json, --tsv and --paths");
    }
    if (o->html && !*o->html) return cli_misuse(command, "--html needs a file name");
    if (o->open && *o->open) {
        char *end = NULL;
        unsigned long n = strtoul(o->open, &end, 10);
        if (*end || o->open[0] < '0' || o->open[0] > '9' || n == 0 || n > MAX_OPENED) {
            return cli_misuse(command, "--open=N needs a number from 1 to %lu, not \"%s\"",
                              MAX_OPENED, o->open);
        }
    }
    if (o->preview && preview_choose(o->preview) == PREVIEW_NONE) {
        if (*o->preview) {
            return cli_misuse(command, "--preview is kitty, iterm or sixel, not \"%s\"",
                              o->preview);
        }
        return cli_misuse(command, "cannot tell how this terminal shows pictures; say "
                                   "--preview=kitty, --preview=iterm or --preview=sixel");
    }
    if (o->preview && (o->json || o->tsv || o->paths || o->nul)) {
        return cli_misuse(command, "--preview goes with the table only");
    }
    return CLI_RUN;
}

/*
 * For programs.
 */
static void jout_rank(json_out *j, size_t rank) {
    if (rank > 0) {
        jout_uint(j, rank);
    } else {
        jout_null(j);
    }
}

static void write_ranks(json_out *j, const output_list *list, size_t i) {
    jout_key(j, "ranks");
    jout_open(j, '[');
    for (size_t m = 0; m < list->model_count; m++) {
        jout_open(j, '{');
        jout_path(j, "model", list->models[m].name);
        jout_key(j, "rank"), jout_rank(j, list->ranks[i][m].rank);
        jout_key(j, "score"), jout_number(j, list->ranks[i][m].score);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void write_models(json_out *j, const output_list *list) {
    jout_key(j, "models");
    jout_open(j, '[');
    for (size_t m = 0; m < list->model_count; m++) {
        jout_open(j, '{');
        jout_path(j, "name", list->models[m].name);
        jout_key(j, "fingerprint"), jout_string(j, list->models[m].fingerprint);
        jout_key(j, "embedded"), jout_uint(j, list->models[m].embedded);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void write_ranking(json_out *j, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    if (list->models) write_ranks(j, list, i);
    if (list->captions) {
        jout_key(j, "fused"), jout_number(j, r->fused);
        jout_key(j, "vector_rank"), jout_rank(j, r->vector_rank);
        jout_key(j, "caption_rank"), jout_rank(j, r->caption_rank);
        jout_key(j, "caption_score"), jout_number(j, r->caption_score);
        jout_text_or_null(j, "caption", r->caption);
    }
    if (list->seconds) {
        const output_second *second = &list->seconds[i];
        jout_key(j, "first_rank"), jout_uint(j, r->rank);
        jout_key(j, "vlm_probability"), jout_number(j, second->probability);
        jout_key(j, "blended"), jout_number(j, second->blended);
        jout_text_or_null(j, "vlm_problem", second->reason);
    }
}

static void write_taken(json_out *j, const glimpse_result *r) {
    char offset[8] = "";
    if (r->has_taken_offset) glimpse_offset_text(offset, r->taken_offset);
    jout_text_or_null(j, "taken_from", r->taken_from ? r->taken_from : "");
    jout_text_or_null(j, "taken_offset", offset);
}

static void print_json(const output_list *list) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "query", list->query);
    if (list->model) {
        jout_path(&j, "model", list->model);
        jout_text_or_null(&j, "fingerprint", list->fingerprint);
    }
    if (list->models) write_models(&j, list);
    if (list->seconds) {
        jout_key(&j, "rerank");
        jout_open(&j, '{');
        jout_path(&j, "model", list->second_model);
        jout_key(&j, "weight"), jout_number(&j, list->weight);
        jout_key(&j, "depth"), jout_uint(&j, list->depth);
        jout_key(&j, "failed"), jout_uint(&j, list->failed);
        jout_close(&j, '}');
    }
    jout_key(&j, "results");
    jout_open(&j, '[');
    for (size_t i = 0; i < list->count; i++) {
        const glimpse_result *r = list->results[i];
        jout_open(&j, '{');
        jout_key(&j, "rank"), jout_uint(&j, i + 1);
        jout_key(&j, "score"), jout_number(&j, r->score);
        write_ranking(&j, list, i);
        jout_path(&j, "path", r->path);
        jout_key(&j, "id"), jout_string(&j, r->id);
        jout_key(&j, "width"), jout_uint(&j, r->width);
        jout_key(&j, "height"), jout_uint(&j, r->height);
        jout_text_or_null(&j, "taken", r->taken);
        write_taken(&j, r);
        jout_text_or_null(&j, "modified", r->modified);
        jout_key(&j, "bytes"), jout_uint(&j, r->bytes);
        jout_text_or_null(&j, "format", r->format);
        jout_key(&j, "copies"), jout_uint(&j, r->copies);
        jout_key(&j, "offline"), jout_bool(&j, r->offline);
        jout_names(&j, "tags", r->tags, r->tag_count);
        jout_names(&j, "albums", r->albums, r->album_count);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_tsv_field(const char *bytes) {
    for (; *bytes; bytes++) {
        switch (*bytes) {
        case '\t': (void)fputs("\\t", stdout); break;
        case '\n': (void)fputs("\\n", stdout); break;
        case '\r': (void)fputs("\\r", stdout); break;
        case '\\': (void)fputs("\\\\", stdout); break;
        default: (void)putchar(*bytes);
        }
    }
}

/* Columns of further rankings come behind those that are always there. */
static void print_tsv(const output_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const glimpse_result *r = list->results[i];
        (void)printf("%zu\t%.6f\t", i + 1, r->score);
        print_tsv_field(r->path);
        (void)printf("\t%u\t%u\t%s\t%s", (unsigned)r->width, (unsigned)r->height, r->taken, r->id);
        for (size_t m = 0; m < list->model_count; m++) {
            const glimpse_hit_rank *rank = &list->ranks[i][m];
            if (rank->rank > 0) {
                (void)printf("\t%zu\t%.6f", rank->rank, rank->score);
            } else {
                (void)fputs("\t\t", stdout);
            }
        }
        if (list->captions) {
            (void)printf("\t%.6f\t%.6f\t", r->fused, r->caption_score);
            print_tsv_field(r->caption ? r->caption : "");
        }
        if (list->seconds) {
            const output_second *second = &list->seconds[i];
            if (isnan(second->probability)) {
                (void)fputs("\t\t\t", stdout);
                print_tsv_field(second->reason ? second->reason : "");
            } else {
                (void)printf("\t%.6f\t%.6f\t", second->probability, second->blended);
            }
        }
        (void)putchar('\n');
    }
}

/* The exact bytes; on a terminal, where nobody reads them back, made harmless. */
static void print_paths(const output_list *list, char end) {
    int terminal = end == '\n' && isatty(STDOUT_FILENO);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->results[i]->path;
        char *shown = terminal ? text_display(path) : NULL;
        (void)fputs(shown ? shown : path, stdout);
        (void)putchar(end);
        free(shown);
    }
}

/*
 * For people.
 */
static char *shown_path(const glimpse_result *r) {
    char *storage = NULL;
    char *shown = text_display(text_near_path(r->path, &storage));
    free(storage);
    if (r->copies > 1) {
        char *more =
            xprintf("%s (+%zu %s)", shown, r->copies - 1, r->copies == 2 ? "copy" : "copies");
        free(shown);
        shown = more;
    }
    if (r->offline) {
        char *more = xprintf("%s (offline)", shown);
        free(shown);
        shown = more;
    }
    return shown;
}

/* The scores of every ranking there is, one column each. */
static void print_scores(const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    /* Fused scores lie close together, below 0.02 a model. */
    (void)printf(list->models ? "%6.4f  " : "%6.3f  ", r->score);
    for (size_t m = 0; m < list->model_count; m++) {
        if (list->ranks[i][m].rank > 0) {
            (void)printf("%*zu  ", MODEL_COLUMNS, list->ranks[i][m].rank);
        } else {
            (void)printf("%*s  ", MODEL_COLUMNS, "-");
        }
    }
    if (list->captions && r->caption_rank) {
        (void)printf("%8.2f  ", r->caption_score);
    } else if (list->captions) {
        (void)printf("%8s  ", "-");
    }
    if (list->seconds && !isnan(list->seconds[i].probability)) {
        (void)printf("%6.3f  ", list->seconds[i].probability);
    } else if (list->seconds) {
        (void)printf("%6s  ", "-");
    }
}

static void print_row(const output_list *list, size_t i, const char *path, size_t path_columns) {
    const glimpse_result *r = list->results[i];
    const char *date = r->taken && *r->taken ? r->taken : r->modified ? r->modified : "";
    char size[24], day[18];
    (void)snprintf(size, sizeof size, "%ux%u", (unsigned)r->width, (unsigned)r->height);
    (void)snprintf(day, sizeof day, "%.16s", date);
    if (strlen(day) > 10 && day[10] == 'T') day[10] = ' ';
    print_scores(list, i);
    text_print_padded(path, path_columns);
    (void)printf("  %-11s %s\n", size, day);
}

/* A line below the row: what the caption says, or why there is no second score. */
static void print_below(const output_list *list, size_t i, size_t columns) {
    const char *lines[2] = {list->captions ? list->results[i]->caption : NULL,
                            list->seconds ? list->seconds[i].reason : NULL};
    for (int k = 0; k < 2; k++) {
        if (!lines[k]) continue;
        char *shown = text_display(lines[k]);
        char *fitted = columns > 12 ? text_fit(shown, columns - 9) : xstrdup(shown);
        (void)printf("        %s\n", fitted);
        free(fitted);
        free(shown);
    }
}

/* The head of its column. */
static void print_model(const char *name) {
    char *shown = text_display(name), *fitted = text_fit(shown, MODEL_COLUMNS);
    size_t width = text_width(fitted);
    (void)printf("%*s%s  ", (int)(width < MODEL_COLUMNS ? MODEL_COLUMNS - width : 0), "", fitted);
    free(fitted);
    free(shown);
}

static void print_table(const output_list *list, preview_protocol preview) {
    size_t other_columns = 6 + 2 + 2 + 11 + 1 + 16;
    size_t widest = 4;
    char **paths = xcalloc(list->count, sizeof *paths);
    if (list->captions) other_columns += 10;
    if (list->seconds) other_columns += 8;
    other_columns += list->model_count * (MODEL_COLUMNS + 2);
    for (size_t i = 0; i < list->count; i++) {
        paths[i] = shown_path(list->results[i]);
        size_t width = text_width(paths[i]);
        if (width > widest) widest = width;
    }
    size_t columns = text_terminal_columns(STDOUT_FILENO);
    if (columns > 0) {
        size_t capacity = columns > other_columns + 16 ? columns - other_columns : 16;
        if (widest > capacity) widest = capacity;
    }
    if (list->count > 0) {
        (void)fputs(" score  ", stdout);
        for (size_t m = 0; m < list->model_count; m++)
            print_model(list->models[m].name);
        (void)printf("%s%s", list->captions ? " caption  " : "", list->seconds ? "   vlm  " : "");
        text_print_padded("path", widest);
        (void)printf("  %-11s %s\n", "size", "date");
    }
    for (size_t i = 0; i < list->count; i++) {
        char *path = columns > 0 ? text_fit(paths[i], widest) : xstrdup(paths[i]);
        print_row(list, i, path, widest);
        print_below(list, i, columns);
        if (preview != PREVIEW_NONE) {
            tool_flush();
            if (preview_print(preview, list->results[i]->path) < 0) {
                tool_note("%s", glimpse_last_error());
            }
        }
        free(path);
        free(paths[i]);
    }
    free(paths);
}

/*
 * The desktop viewer.
 */
static int open_one(const char *path) {
#ifdef __APPLE__
    const char *opener = "open";
#else
    const char *opener = "xdg-open";
#endif
    const char *own = getenv("GLIMPSE_OPENER");
    if (own && *own) opener = own;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return tool_fail("out of memory");
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    /* What a viewer prints must not mix with the results. */
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    char *argv[] = {xstrdup(opener), xstrdup(path), NULL};
    pid_t child = 0;
    int error = posix_spawnp(&child, opener, &actions, NULL, argv, environ), state = 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    free(argv[0]);
    free(argv[1]);
    if (error != 0) return tool_fail("cannot run %s: %s", opener, strerror(error));
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {}
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        return tool_fail("%s could not open %s", opener, path);
    }
    return EXIT_FOUND;
}

int output_print(const output_options *o, const output_list *list) {
    int code = list->count > 0 ? EXIT_FOUND : EXIT_NOTHING;
    if (o->html && html_write(o->html, list) < 0) code = EXIT_FAILED;
    if (o->html && code != EXIT_FAILED) tool_note("contact sheet written to %s", o->html);
    if (o->json) {
        print_json(list);
    } else if (o->tsv) {
        print_tsv(list);
    } else if (o->paths || o->nul) {
        print_paths(list, o->nul ? '\0' : '\n');
    } else {
        print_table(list, o->preview ? preview_choose(o->preview) : PREVIEW_NONE);
    }
    tool_flush();
    if (list->count == 0) tool_note("nothing found");
    if (o->open && code != EXIT_FAILED) {
        size_t wanted = *o->open ? strtoul(o->open, NULL, 10) : 5;
        for (size_t i = 0; i < list->count && i < wanted; i++) {
            if (open_one(list->results[i]->path) != EXIT_FOUND) return EXIT_FAILED;
        }
    }
    return code;
}

void output_note_models(const glimpse_hits *hits) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    const glimpse_hits_model *max = NULL, *min = NULL;
    for (size_t i = 0; i < summary->model_count; i++) {
        const glimpse_hits_model *m = &summary->models[i];
        if (!max || m->embedded > max->embedded) max = m;
        if (!min || m->embedded < min->embedded) min = m;
    }
    if (!max || max->embedded == min->embedded) return;
    char *name = text_display(min->name), *known = xstrdup(text_count(min->embedded));
    tool_note("%s covers %s of %s; the others take part without its rank (--embed embeds them)",
              name, known, text_counted(max->embedded, "picture", "pictures"));
    free(known);
    free(name);
}

int output_hits(const output_options *o, const char *query, const glimpse_hits *hits) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    size_t count = glimpse_hits_count(hits);
    output_second *seconds = xcalloc(count, sizeof *seconds);
    output_list list = {.query = query,
                        .model = summary->model,
                        .fingerprint = summary->fingerprint,
                        .results = xcalloc(count, sizeof *list.results),
                        .count = count,
                        .captions = summary->captions,
                        .models = summary->models,
                        .model_count = summary->model_count,
                        .ranks = xcalloc(count, sizeof *list.ranks)};
    for (size_t i = 0; i < count; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        list.results[i] = hit->result;
        list.ranks[i] = hit->ranks;
        seconds[i] = (output_second){hit->probability, hit->blended, hit->reason};
    }
    if (summary->reranked) {
        list.seconds = seconds;
        list.second_model = summary->vlm.name;
        list.weight = summary->weight;
        list.depth = summary->depth;
        list.failed = summary->failed;
    }
    int code = output_print(o, &list);
    free(list.results);
    free(list.ranks);
    free(seconds);
    return code;
}
