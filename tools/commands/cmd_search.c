/*
 * cmd_search.c - glimpse search QUERY: pictures by words, by other pictures, by sums of both.
 */
#include "cli.h"
#include "embed_rest.h"
#include "filters.h"
#include "offer.h"
#include "output.h"
#include "progress.h"
#include "search_batch.h"
#include "session.h"
#include "text.h"
#include "tool.h"
#include "vlm_session.h"

#include <glimpse/query.h>
#include <glimpse/session_search.h>

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

/* 1 when a text is wanted: a term that is added and no picture. */
static int has_words(const glimpse_query *query) {
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        if (!term->is_picture && term->weight > 0) return 1;
    }
    return 0;
}

/* Remarks, and the results. */
static int print_hits(const output_options *o, const char *query, const glimpse_hits *hits,
                      const glimpse_find_options *find) {
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    progress_clear();
    if (summary->truncated) {
        tool_note("a text of the query is longer than the model reads; its end is cut");
    }
    vlm_note_use(&summary->vlm);
    output_note_models(hits);
    output_note_cutoff(hits, find->all_scores,
                       find->captions ? "captions"
                       : find->rerank ? "the vision-language model"
                                      : NULL);
    int code = output_hits(o, query, hits);
    if (summary->failed > 0) {
        tool_note("%s of the %s pictures looked at again got no score and kept their place",
                  text_count(summary->failed), text_count(summary->depth));
        if (code == EXIT_FOUND) code = EXIT_PARTIAL;
    }
    return code;
}

/* --queries has its own input and output. CLI_RUN, or an exit code after saying what is wrong. */
static int check_batch(const cli_arguments *arguments, const output_options *o, const char *token) {
    if (arguments->count > 0) {
        return cli_misuse(&cmd_search, "--queries has the queries: no words beside it");
    }
    if (o->tsv || o->paths || o->nul || o->html || o->preview || o->open) {
        return cli_misuse(&cmd_search, "--queries prints JSON, an object a line, and nothing else");
    }
    if (token) return cli_misuse(&cmd_search, "--page-token is of one query, not of --queries");
    return CLI_RUN;
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    glimpse_find_options find = GLIMPSE_FIND_OPTIONS_INIT;
    const char *rerank = NULL; /* NULL: not asked for; "": the default */
    uint64_t depth = GLIMPSE_RERANK_DEPTH;
    output_options output = {0};
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    filters f = {0};
    int sort = 0, reverse = 0;
    uint64_t k = 10;
    const char *token = NULL, *queries = NULL, *diverse = NULL;
    int all = 0;
    int embed = 0;
    const cli_option options[] = {
        OPTION_COUNT(k, "how many results (default: 10)"),
        OPTION_PAGE_TOKEN(token),
        OPTIONS_RELEVANCE(find),
        OPTION_MIN_SCORE(search),
        OPTIONS_SORT(sort, reverse, "the results in another order than by score"),
        OPTION_NO_TILES(search),
        OPTIONS_STAGES(all, diverse),
        CLI_FLAG("captions", 0, &find.captions,
                 "also look for the words in stored captions, and blend both rankings"),
        OPTION_CAPTIONS_WEIGHT(search.captions_weight),
        OPTION_NETWORK(find.network),
        CLI_TEXT("queries", 0, &queries, "FILE",
                 "answer the queries of FILE (- for standard input), one a line, each with an "
                 "object of JSON on a line"),
        FILTER_OPTIONS(f),
        CLI_HEADING("Re-ranking"),
        CLI_OPTIONAL("rerank", 'r', &rerank, "MODEL",
                     "let a vision-language model look at the best again: a folder, a name, or "
                     "a remote model (default: $GLIMPSE_VLM, else the demo VLM)"),
        OPTION_RERANK_DEPTH(depth),
        OPTION_RERANK_WEIGHT(find.rerank_weight),
        CLI_SIZE("rerank-jobs", 0, &v.jobs, "N", "requests at once (default: 4)", 1, 64),
        VLM_MAX_COST_OPTION(v),
        VLM_MAX_TOKENS_OPTION(v),
        VLM_REFRESH_OPTION(v),
        OUTPUT_OPTIONS(output),
        SESSION_OPTIONS(s),
        SESSION_MEMORY_OPTION(s),
        OPTION_EMBED(embed),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_search, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;

    glimpse_query *query = NULL;
    glimpse_hits *hits = NULL;
    char *text = join(&arguments);
    int status;
    tool_set_quiet(s.quiet);
    if ((code = output_check(&output, &cmd_search)) != CLI_RUN) goto done;
    search.k = (size_t)k;
    if (queries) {
        if ((code = check_batch(&arguments, &output, token)) != CLI_RUN) goto done;
    } else if (arguments.count == 0) {
        code = cli_misuse(&cmd_search, "what should be searched for?");
    } else if ((status = glimpse_query_parse(&query, arguments.words, arguments.count)) < 0) {
        code = cli_refused(&cmd_search, status);
    }
    if (code != CLI_RUN) goto done;
    for (size_t i = 0; i < glimpse_query_count(query) && !find.network; i++) {
        if (!glimpse_query_get(query, i)->is_url) continue;
        code = cli_misuse(&cmd_search,
                          "%.200s is an address: --network fetches it, and in quotes (\"%.9s...\") "
                          "it is words to look for",
                          glimpse_query_get(query, i)->body, glimpse_query_get(query, i)->body);
        goto done;
    }
    if (query && find.captions && !has_words(query)) {
        code = cli_misuse(&cmd_search, "--captions needs words to look for");
    } else if (!(search.captions_weight >= 0.0 && search.captions_weight <= 1.0)) {
        code = cli_misuse(&cmd_search, "--captions-weight goes from 0 to 1");
    } else if (query && rerank && !has_words(query)) {
        code = cli_misuse(&cmd_search, "--rerank needs words to compare pictures with");
    } else if (!(find.rerank_weight >= 0.0 && find.rerank_weight <= 1.0)) {
        code = cli_misuse(&cmd_search, "--rerank-weight goes from 0 to 1");
    } else if (!(find.relevance >= 0.0 && find.relevance <= 1.0)) {
        code = cli_misuse(&cmd_search, "--relevance goes from 0 to 1");
    } else if ((code = output_read_stages(&search, all, diverse, &cmd_search)) != CLI_RUN) {
        goto done;
    } else if (token && (rerank || find.captions)) {
        code = cli_misuse(&cmd_search, "%s has no pages: choose a larger -k",
                          rerank ? "--rerank" : "--captions");
    } else if (diverse && (rerank || token)) {
        code = cli_misuse(&cmd_search, rerank ? "choose one of --diverse and --rerank"
                                              : "--diverse has no pages: choose a larger -k");
    } else if (sort && token) {
        code = cli_misuse(&cmd_search, "--sort has no pages: choose a larger -k");
    } else {
        code = filters_read(&f, &search, &cmd_search);
    }
    if (code != CLI_RUN) goto done;
    v.spec = rerank;
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    find.search = &search;
    find.page_token = output_page_token(token);
    find.sort = (glimpse_sort)sort;
    find.reverse = reverse;
    find.rerank = rerank != NULL;
    find.rerank_depth = (unsigned)depth;
    find.vlm = &settings;
    find.progress = session_show_progress;
    find.cancelled = session_cancelled;
    if (rerank || queries) tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    /* Where there is nothing to search no model helps. */
    if (glimpse_session_has_library(s.base) == 1 && (code = offer_model(&s, 0)) != CLI_RUN) {
        goto done;
    }
    if (embed && (code = embed_rest(&s)) != CLI_RUN) goto done;
    if (queries) {
        code = search_batch(&s, queries, &find);
        goto done;
    }
    status = glimpse_session_search(&hits, s.base, arguments.words, arguments.count, &find);
    code = status < 0 ? session_fail(status) : print_hits(&output, text, hits, &find);
    if (hits) output_note_page(token, hits);
done:
    glimpse_hits_free(hits);
    glimpse_query_free(query);
    free(text);
    session_close(&s);
    filters_free(&f);
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
    "with / ./ ../ or ~/, or names a picture file, is a picture; with --network so is an "
    "address.\n\n"
    "With --rerank a vision-language model looks at the best of them again and says how well the "
    "texts of the query fit; its score and the first one are blended. A picture it cannot score "
    "keeps its place.\n\n"
    "Each result has a relevance (rel.), 0 to 1: how likely it is that the picture is what was "
    "asked for at all. What is below 0.5 is left out; --relevance moves that, --all-scores shows "
    "everything. With fewer than 50 pictures nothing is left out.\n\n"
    "--queries FILE answers many queries at once: each line is one, and each gives the line that "
    "--json prints of it. One that fails gives {\"query\", \"line\", \"error\"}, and the others go "
    "on.\n\n"
    "--page-token goes through the results a page at a time; pictures that come or go in between "
    "make nothing appear twice or be left out.\n\n"
    "--model A+B asks both models and fuses their ranks: 1 / (60 + rank) of each are added up. A "
    "picture that one of them does not cover has one rank. --embed first embeds what is missing; "
    "Ctrl-C stops it with what is done kept.\n\n"
    "A picture that was indexed with --tiles has the best of the scores of itself and its tiles; "
    "where it is a tile's, the result says which. --no-tiles looks at whole pictures only.\n\n"
    "Near-duplicates (the same picture coded anew, scaled or lightly edited) and bursts (one "
    "camera, within 3 seconds, alike) are one result, the best of them, with how many more there "
    "are; -k counts results. --no-collapse shows each. With --diverse each result is one that fits "
    "and is unlike those before it.\n\n"
    "Exit code 1 when nothing is found, 3 when pictures could not be looked at again, or a query "
    "of "
    "--queries failed.",
    "  glimpse search two parrots on a branch\n"
    "  glimpse search horse + stripes -k 20\n"
    "  glimpse search \"2:golden retriever\" + ./pool.jpg - fruit\n"
    "  glimpse search beach --in ~/Pictures/2023 --in ~/Pictures/2024 --json\n"
    "  glimpse search -0 cats | xargs -0 ls -l\n"
    "  glimpse search sunset -k 60 --html sunset.html\n"
    "  glimpse search --queries queries.txt -k 3 > answers.jsonl\n"
    "  glimpse search beach -k 50 --page-token first\n"
    "  glimpse search birthday --diverse\n"
    "  glimpse search in the snow --label dog\n"
    "  glimpse search sunset --near Lisbon --rating 4.. --sort taken\n"
    "  glimpse search a bird --where \"lens ~ '600mm' and iso = 100..800\"\n"
    "  glimpse search a red kite over the sea --captions\n"
    "  glimpse search a red kite --model ViT-B-32-openai+ViT-B-16-SigLIP2\n"
    "  glimpse search a red ball left of a blue cube --rerank\n",
    run,
};
