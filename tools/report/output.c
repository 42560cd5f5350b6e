/*
 * output.c - writes the results of a search as a table, JSON, TSV, paths or a contact sheet.
 */
#include "output.h"

#include "json_out.h"
#include "opener.h"
#include "terminal.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const unsigned long MAX_OPENED = 1000;

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
    const char *reason = NULL;
    if (o->preview && preview_choose(o->preview, &reason) == PREVIEW_NONE) {
        if (!reason) {
            return cli_misuse(command, "--preview is kitty, iterm, sixel or blocks, not \"%s\"",
                              o->preview);
        }
        return cli_misuse(command, "%s", reason);
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

static void write_tile(json_out *j, const glimpse_box *tile) {
    jout_key(j, "tile");
    if (tile->width == 0) {
        jout_null(j);
        return;
    }
    jout_open(j, '{');
    jout_key(j, "x"), jout_uint(j, tile->x);
    jout_key(j, "y"), jout_uint(j, tile->y);
    jout_key(j, "width"), jout_uint(j, tile->width);
    jout_key(j, "height"), jout_uint(j, tile->height);
    jout_close(j, '}');
}

static void write_others(json_out *j, const glimpse_result *r) {
    jout_key(j, "collapsed"), jout_uint(j, r->collapsed);
    jout_key(j, "others");
    jout_open(j, '[');
    for (size_t i = 0; i < r->other_count; i++) {
        jout_open(j, '{');
        jout_path(j, "path", r->others[i]);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void write_taken(json_out *j, const glimpse_result *r) {
    char offset[8] = "";
    if (r->has_taken_offset) glimpse_offset_text(offset, r->taken_offset);
    jout_text_or_null(j, "taken_from", r->taken_from ? r->taken_from : "");
    jout_text_or_null(j, "taken_offset", offset);
}

/* What was left out; both null when nothing was. */
static void write_cutoff(json_out *j, const glimpse_hits_summary *summary) {
    const char *key = summary->more_matched ? "matched_at_least" : "matched";
    jout_key(j, "cutoff"), jout_number(j, summary->cutoff);
    jout_key(j, "best_relevance"), jout_number(j, summary->best);
    jout_key(j, key);
    if (isnan(summary->cutoff)) {
        jout_null(j);
    } else {
        jout_uint(j, summary->matched);
    }
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
    if (list->warning_count > 0) {
        jout_key(&j, "warnings");
        jout_open(&j, '[');
        for (size_t i = 0; i < list->warning_count; i++)
            jout_string(&j, list->warnings[i]);
        jout_close(&j, ']');
    }
    if (list->seconds) {
        jout_key(&j, "rerank");
        jout_open(&j, '{');
        jout_path(&j, "model", list->second_model);
        jout_key(&j, "weight"), jout_number(&j, list->weight);
        jout_key(&j, "depth"), jout_uint(&j, list->depth);
        jout_key(&j, "failed"), jout_uint(&j, list->failed);
        jout_close(&j, '}');
    }
    if (list->diverse) {
        jout_key(&j, "order"), jout_string(&j, "mmr");
        jout_key(&j, "lambda"), jout_number(&j, list->lambda);
    }
    jout_text_or_null(&j, "next_page", list->next_page ? list->next_page : "");
    if (list->summary) write_cutoff(&j, list->summary);
    jout_key(&j, "results");
    jout_open(&j, '[');
    for (size_t i = 0; i < list->count; i++) {
        const glimpse_result *r = list->results[i];
        jout_open(&j, '{');
        jout_key(&j, "rank"), jout_uint(&j, list->before + i + 1);
        jout_key(&j, "score"), jout_number(&j, r->score);
        if (list->relevances) {
            jout_key(&j, "relevance"), jout_number(&j, list->relevances[i]);
        }
        write_ranking(&j, list, i);
        jout_path(&j, "path", r->path);
        write_tile(&j, &r->tile);
        jout_key(&j, "id"), jout_string(&j, r->id);
        jout_key(&j, "width"), jout_uint(&j, r->width);
        jout_key(&j, "height"), jout_uint(&j, r->height);
        jout_text_or_null(&j, "taken", r->taken);
        write_taken(&j, r);
        jout_text_or_null(&j, "modified", r->modified);
        jout_key(&j, "bytes"), jout_uint(&j, r->bytes);
        jout_text_or_null(&j, "format", r->format);
        jout_key(&j, "copies"), jout_uint(&j, r->copies);
        if (list->collapsed) write_others(&j, r);
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

/* Columns of further rankings come behind those that are always there, the tile behind these, and
 * then how many further pictures the result stands for. */
static void print_tsv(const output_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const glimpse_result *r = list->results[i];
        (void)printf("%zu\t%.6f\t", list->before + i + 1, r->score);
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
        (void)putchar('\t');
        if (r->tile.width > 0) {
            (void)printf("%u,%u,%u,%u", (unsigned)r->tile.x, (unsigned)r->tile.y,
                         (unsigned)r->tile.width, (unsigned)r->tile.height);
        }
        if (list->relevances && !isnan(list->relevances[i])) {
            (void)printf("\t%.4f", list->relevances[i]);
        } else if (list->relevances) {
            (void)putchar('\t');
        }
        if (list->collapsed) (void)printf("\t%zu", r->collapsed);
        (void)putchar('\n');
    }
}

void output_path(const char *path, char end) {
    if (end == '\n' && isatty(STDOUT_FILENO)) {
        char *shown = text_display(path);
        terminal_print_link(path, shown);
        free(shown);
    } else {
        (void)fputs(path, stdout);
    }
    (void)putchar(end);
}

static void print_paths(const output_list *list, char end) {
    for (size_t i = 0; i < list->count; i++)
        output_path(list->results[i]->path, end);
}

/* The contact sheet where there is one and no number is given, else pictures. */
static int open_results(const output_options *o, const output_list *list) {
    if (o->html && !*o->open) return opener_open(o->html);
    size_t wanted = *o->open ? strtoul(o->open, NULL, 10) : MAX_OPENED;
    size_t count = list->count < wanted ? list->count : wanted;
    const char **paths = xcalloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = list->results[i]->path;
    int code = opener_open_pictures(list->query, paths, count);
    free(paths);
    return code;
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
        const char *reason = NULL;
        output_table(list, o->preview ? preview_choose(o->preview, &reason) : PREVIEW_NONE);
    }
    tool_flush();
    if (list->count == 0 && !list->is_quiet) tool_note("nothing found");
    if (o->open && code == EXIT_FOUND) code = open_results(o, list);
    return code;
}

int output_read_stages(glimpse_search_options *search, int all, const char *diverse,
                       const cli_command *command) {
    search->collapse = !all;
    search->diverse = diverse != NULL;
    if (diverse && *diverse) {
        char *end = NULL;
        search->diverse_lambda = strtod(diverse, &end);
        if (*end || !(search->diverse_lambda >= 0.0 && search->diverse_lambda <= 1.0)) {
            return cli_misuse(command, "--diverse=LAMBDA goes from 0 to 1, not \"%s\"", diverse);
        }
    }
    if (diverse && search->k > GLIMPSE_DIVERSE_MAX) {
        return cli_misuse(command, "--diverse gives at most %d results", GLIMPSE_DIVERSE_MAX);
    }
    return CLI_RUN;
}

const char *output_page_token(const char *token) {
    return token && strcmp(token, "first") != 0 ? token : NULL;
}

void output_note_page(const char *token, const glimpse_hits *hits) {
    const char *next = glimpse_hits_summarize(hits)->next_page;
    if (!token) return;
    if (next) {
        tool_note("next page: the same with --page-token %s", next);
    } else if (glimpse_hits_summarize(hits)->model_count > 0) {
        tool_note("a search with several models has no pages; choose a larger -k");
    } else {
        tool_note("this is the last page");
    }
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

void output_note_cutoff(const glimpse_hits *hits, int all_scores, const char *by_others) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    if (all_scores) return;
    if (isnan(summary->cutoff) && summary->no_relevance) {
        tool_note("nothing is left out for its relevance: %s", summary->no_relevance);
    } else if (glimpse_hits_count(hits) == 0 && summary->best < summary->cutoff) {
        tool_note("no picture is relevant enough: the best has %.2f, the cut-off is %.2f "
                  "(--relevance moves it, --all-scores shows everything)",
                  summary->best, summary->cutoff);
    } else if (by_others) {
        tool_note("what is left out for its relevance goes by the embeddings, not by %s",
                  by_others);
    }
}

static int print_hits(const output_options *o, const char *query, const glimpse_hits *hits,
                      int is_quiet) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    size_t count = glimpse_hits_count(hits);
    output_second *seconds = xcalloc(count, sizeof *seconds);
    double *relevances = xcalloc(count, sizeof *relevances);
    output_list list = {.query = query,
                        /* Where the cut-off left nothing output_note_cutoff() says so. */
                        .is_quiet = is_quiet || (count == 0 && summary->best < summary->cutoff),
                        .model = summary->model,
                        .fingerprint = summary->fingerprint,
                        .results = xcalloc(count, sizeof *list.results),
                        .count = count,
                        .captions = summary->captions,
                        .warnings = summary->warnings,
                        .warning_count = summary->warning_count,
                        .models = summary->models,
                        .model_count = summary->model_count,
                        .before = (size_t)summary->before,
                        .next_page = summary->next_page,
                        .ranks = xcalloc(count, sizeof *list.ranks),
                        .collapsed = summary->collapsed,
                        .diverse = summary->diverse,
                        .lambda = summary->diverse_lambda,
                        .relevances = relevances,
                        .summary = summary};
    for (size_t i = 0; i < count; i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        list.results[i] = hit->result;
        list.ranks[i] = hit->ranks;
        relevances[i] = hit->relevance;
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
    free(relevances);
    free(seconds);
    return code;
}

int output_hits(const output_options *o, const char *query, const glimpse_hits *hits) {
    return print_hits(o, query, hits, 0);
}

int output_hits_quietly(const output_options *o, const char *query, const glimpse_hits *hits) {
    return print_hits(o, query, hits, 1);
}
