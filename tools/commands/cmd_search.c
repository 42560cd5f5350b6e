/*
 * cmd_search.c - glimpse search QUERY: pictures by words, by other pictures, by sums of both.
 */
#include "cli.h"
#include "output.h"
#include "rerank_run.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/query.h>
#include <glimpse/rerank.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The words joined with spaces, as they were typed. */
static char *join(const cli_arguments *arguments) {
    size_t length = 1;
    for (size_t i = 0; i < arguments->count; i++)
        length += strlen(arguments->words[i]) + 1;
    char *text = xmalloc(length), *to = text;
    for (size_t i = 0; i < arguments->count; i++) {
        if (i > 0) *to++ = ' ';
        to = stpcpy(to, arguments->words[i]);
    }
    *to = '\0';
    return text;
}

/* The texts that are wanted: terms that are added, not pictures, not those that are subtracted.
 * NULL when there is none. */
static char *wanted_words(const glimpse_query *query, const char *between) {
    char *words = NULL;
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        if (term->is_picture || term->weight <= 0) continue;
        char *more = xprintf("%s%s%s", words ? words : "", words ? between : "", term->body);
        free(words);
        words = more;
    }
    return words;
}

typedef struct second_stage {
    const char *model; /* NULL: not asked for; "": the default */
    uint64_t depth;
    double weight;
    vlm_session v;
} second_stage;

/* Looks at the first `depth` of the results again and prints the best `k`. */
static int print_reranked(const output_options *o, second_stage *second, const char *text,
                          output_list *list, size_t k) {
    size_t depth = list->count < second->depth ? list->count : (size_t)second->depth;
    rerank_picture *pictures = xcalloc(depth, sizeof *pictures);
    double *first = xcalloc(depth, sizeof *first);
    glimpse_reranked *order = xcalloc(depth, sizeof *order);
    const glimpse_result **results = xcalloc(list->count, sizeof *results);
    output_second *seconds = xcalloc(list->count, sizeof *seconds);
    reranking r = {0};
    for (size_t i = 0; i < depth; i++) {
        const glimpse_result *result = list->results[i];
        pictures[i] = (rerank_picture){result->path, rerank_sure_id(result)};
        first[i] = list->captions ? result->fused : result->score;
    }
    int code = rerank_look(&second->v, text, pictures, depth, &r);
    if (code == CLI_RUN && glimpse_rerank(order, first, r.scores, depth, second->weight) < 0) {
        code = tool_fail_last();
    }
    if (code != CLI_RUN) goto done;
    for (size_t i = 0; i < list->count; i++) {
        size_t at = i < depth ? order[i].index : i;
        results[i] = list->results[at];
        seconds[i] = i < depth
                         ? (output_second){r.probabilities[at], order[i].blended, r.reasons[at]}
                         : (output_second){NAN, NAN, NULL};
    }
    output_list shown = *list;
    shown.results = results;
    shown.seconds = seconds;
    shown.count = list->count < k ? list->count : k;
    shown.second_model = glimpse_vlm_name(second->v.vlm);
    shown.weight = second->weight;
    shown.depth = depth;
    shown.failed = r.failed;
    code = output_print(o, &shown);
    if (r.failed > 0) {
        tool_note("%s of the %s pictures looked at again got no score and kept their place",
                  text_count(r.failed), text_count(depth));
        if (code == EXIT_FOUND) code = EXIT_PARTIAL;
    }
done:
    rerank_free(&r);
    free(pictures);
    free(first);
    free(order);
    free(results);
    free(seconds);
    return code;
}

/* The search, the second look when it is asked for, and the output. */
static int search_and_print(const output_options *o, session *s, second_stage *second,
                            const char *query, const char *text, const float *vector,
                            glimpse_search_options *search) {
    glimpse_results *results = NULL;
    size_t k = search->k;
    if (second->model && k < second->depth) search->k = (size_t)second->depth;
    int code = output_find(&cmd_search, s->library, s->model, vector, search, &results);
    if (code != CLI_RUN) return code;
    size_t count = glimpse_results_count(results);
    output_list list = {.query = query,
                        .model = glimpse_model_name(s->model),
                        .fingerprint = glimpse_model_fingerprint(s->model),
                        .results = xcalloc(count, sizeof *list.results),
                        .count = count,
                        .captions = search->captions != NULL};
    for (size_t i = 0; i < count; i++)
        list.results[i] = glimpse_results_get(results, i);
    code = second->model ? print_reranked(o, second, text, &list, k) : output_print(o, &list);
    free(list.results);
    glimpse_results_free(results);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    second_stage second = {.depth = RERANK_DEPTH, .weight = RERANK_WEIGHT, .v = VLM_SESSION_INIT};
    int with_captions = 0;
    char *words = NULL, *sentence = NULL;
    output_options output = {0};
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    cli_list labels = {0};
    uint64_t k = 10;
    const cli_option options[] = {
        CLI_SIZE("count", 'k', &k, "N", "how many results (default: 10)", 1, 1000000),
        CLI_TEXT("in", 'i', &search.path_prefix, "PREFIX",
                 "only pictures below this folder, or whose path begins so"),
        CLI_TEXT("after", 0, &search.after, "DATE",
                 "only pictures taken on or after 2021, 2021-05, 2021-05-30 or with T14:00:00"),
        CLI_TEXT("before", 0, &search.before, "DATE", "only pictures taken before"),
        CLI_NUMBER("min-score", 0, &search.min_score, "S", "only results with at least this score"),
        CLI_LIST("label", 0, &labels, "NAME",
                 "only pictures with this stored label (glimpse label --store); may be repeated"),
        CLI_FLAG("captions", 'c', &with_captions,
                 "also look for the words in stored captions, and blend both rankings"),
        CLI_NUMBER("captions-weight", 0, &search.captions_weight, "W",
                   "0 is the order by score, 1 that by captions (default: 0.5)"),
        CLI_HEADING("A second look"),
        CLI_OPTIONAL("rerank", 'r', &second.model, "MODEL",
                     "let a vision-language model look at the best again: a folder, a name, or "
                     "a remote model (default: $GLIMPSE_VLM, else the demo VLM)"),
        CLI_SIZE("rerank-depth", 0, &second.depth, "K", "how many it looks at (default: 50)", 1,
                 100000),
        CLI_NUMBER("rerank-weight", 0, &second.weight, "W",
                   "0 is the first order, 1 the model's (default: 0.7)"),
        CLI_SIZE("rerank-jobs", 0, &second.v.jobs, "N", "requests at once (default: 4)", 1, 64),
        CLI_NUMBER("max-cost", 0, &second.v.max_cost, "MONEY", "stop before this is exceeded"),
        CLI_FLAG("refresh", 0, &second.v.refresh, "ask again instead of using kept answers"),
        OUTPUT_OPTIONS(output),
        CLI_HEADING("Library and model"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_search, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;

    glimpse_query *query = NULL;
    float *vector = NULL;
    char *text = join(&arguments);
    int truncated = 0;
    tool_set_quiet(s.quiet);
    if ((code = output_check(&output, &cmd_search)) != CLI_RUN) goto done;
    if (arguments.count == 0) {
        code = cli_misuse(&cmd_search, "what should be searched for?");
        goto done;
    }
    if (glimpse_query_parse(&query, arguments.words, arguments.count) < 0) {
        code = cli_misuse(&cmd_search, "%s", glimpse_last_error());
        goto done;
    }
    if (with_captions && !(words = wanted_words(query, " "))) {
        code = cli_misuse(&cmd_search, "--captions needs words to look for");
        goto done;
    }
    search.captions = words;
    if (!(search.captions_weight >= 0.0 && search.captions_weight <= 1.0)) {
        code = cli_misuse(&cmd_search, "--captions-weight goes from 0 to 1");
        goto done;
    }
    if (second.model && !(sentence = wanted_words(query, ", "))) {
        code = cli_misuse(&cmd_search, "--rerank needs words to compare pictures with");
        goto done;
    }
    if (!(second.weight >= 0.0 && second.weight <= 1.0)) {
        code = cli_misuse(&cmd_search, "--rerank-weight goes from 0 to 1");
        goto done;
    }
    if (second.model && *second.model) second.v.spec = second.model;
    second.v.part = "itm";
    search.k = (size_t)k;
    search.labels = labels.values;
    search.label_count = labels.count;
    if ((code = session_open_library(&s, 0)) != CLI_RUN) goto done;
    if ((code = session_open_model(&s, glimpse_query_towers(query), 1)) != CLI_RUN) goto done;
    if (second.model) {
        tool_catch_stop();
        if ((code = vlm_session_open(&second.v, &s)) != CLI_RUN) goto done;
    }
    vector = xmalloc(glimpse_model_embedding_size(s.model) * sizeof *vector);
    if (glimpse_query_embed(vector, &truncated, query, s.encoder, s.model) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (truncated) tool_note("a text of the query is longer than the model reads; its end is cut");
    code = search_and_print(&output, &s, &second, text, sentence, vector, &search);
done:
    glimpse_query_free(query);
    free(vector);
    free(text);
    free(words);
    free(sentence);
    vlm_session_close(&second.v);
    session_close(&s);
    cli_list_free(&labels);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_search = {
    "search",
    "QUERY...",
    "find pictures by words, pictures, or sums of both",
    "Finds the pictures of the library that fit the query best. Words are one text; + and - with "
    "spaces around them add and subtract further texts or pictures; NUMBER: in front of a term is "
    "its weight; quotes inside the query make everything between them text. A term that starts "
    "with / ./ ../ or ~/, or names a picture file, is a picture.\n\n"
    "With --rerank a vision-language model looks at the best of them again and says how well the "
    "texts of the query fit; its score and the first one are blended. A picture it cannot score "
    "keeps its place.\n\n"
    "Exit code 1 when nothing is found, 3 when pictures could not be looked at again.",
    "  glimpse search two parrots on a branch\n"
    "  glimpse search horse + stripes -k 20\n"
    "  glimpse search \"2:golden retriever\" + ./pool.jpg - fruit\n"
    "  glimpse search beach --in ~/Pictures/2023 --after 2023-06 --json\n"
    "  glimpse search -0 cats | xargs -0 ls -l\n"
    "  glimpse search sunset -k 60 --html sunset.html\n"
    "  glimpse search in the snow --label dog\n"
    "  glimpse search a red kite over the sea --captions\n"
    "  glimpse search a red ball left of a blue cube --rerank\n",
    run,
};
