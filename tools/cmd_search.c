/*
 * cmd_search.c - glimpse search QUERY: pictures by words, by other pictures, by sums of both.
 */
#include "cli.h"
#include "output.h"
#include "session.h"
#include "tool.h"

#include <glimpse/query.h>

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

/* The texts that are wanted, for the captions: terms that are added, not pictures, not those that
 * are subtracted. NULL when there is none. */
static char *wanted_words(const glimpse_query *query) {
    char *words = NULL;
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        if (term->is_picture || term->weight <= 0) continue;
        char *more = xprintf("%s%s%s", words ? words : "", words ? " " : "", term->body);
        free(words);
        words = more;
    }
    return words;
}

static int run(int argc, char **argv) {
    session s = {0};
    int with_captions = 0;
    char *words = NULL;
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
    if (with_captions && !(words = wanted_words(query))) {
        code = cli_misuse(&cmd_search, "--captions needs words to look for");
        goto done;
    }
    search.captions = words;
    search.k = (size_t)k;
    search.labels = labels.values;
    search.label_count = labels.count;
    if ((code = session_open_library(&s, 0)) != CLI_RUN) goto done;
    if ((code = session_open_model(&s, glimpse_query_towers(query), 1)) != CLI_RUN) goto done;
    vector = xmalloc(glimpse_model_embedding_size(s.model) * sizeof *vector);
    if (glimpse_query_embed(query, s.encoder, s.model, vector, &truncated) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (truncated) tool_note("a text of the query is longer than the model reads; its end is cut");
    code = output_search(&output, &cmd_search, text, s.library, s.model, vector, &search);
done:
    glimpse_query_free(query);
    free(vector);
    free(text);
    free(words);
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
    "Exit code 1 when nothing is found.",
    "  glimpse search two parrots on a branch\n"
    "  glimpse search horse + stripes -k 20\n"
    "  glimpse search \"2:golden retriever\" + ./pool.jpg - fruit\n"
    "  glimpse search beach --in ~/Pictures/2023 --after 2023-06 --json\n"
    "  glimpse search -0 cats | xargs -0 ls -l\n"
    "  glimpse search sunset -k 60 --html sunset.html\n"
    "  glimpse search in the snow --label dog\n"
    "  glimpse search a red kite over the sea --captions\n",
    run,
};
