/*
 * cmd_similar.c - glimpse similar IMAGE: pictures that look like one you have.
 */
#include "cli.h"
#include "embed_rest.h"
#include "filters.h"
#include "output.h"
#include "session.h"
#include "tool.h"

#include <glimpse/session_search.h>

static int run(int argc, char **argv) {
    session s = {0};
    output_options output = {0};
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options find = GLIMPSE_FIND_OPTIONS_INIT;
    const char *region = NULL, *token = NULL;
    uint64_t k = 10;
    const char *diverse = NULL;
    int embed = 0, all = 0, sort = 0, reverse = 0;
    filters f = {0};
    const cli_option options[] = {
        OPTION_COUNT(k, "how many results (default: 10)"),
        OPTION_PAGE_TOKEN(token),
        CLI_TEXT("region", 0, &region, "X,Y,W,H",
                 "look for this part of the picture: in pixels, or in percent as in "
                 "25%,10%,50%,50%"),
        CLI_FLAG("with-self", 0, &find.with_self, "leave the picture itself among the results"),
        OPTION_NETWORK(find.network),
        OPTIONS_RELEVANCE(find),
        OPTION_MIN_SCORE(search),
        OPTIONS_SORT(sort, reverse, "the results in another order than by likeness"),
        OPTION_NO_TILES(search),
        OPTIONS_STAGES(all, diverse),
        FILTER_OPTIONS(f),
        OUTPUT_OPTIONS(output),
        SESSION_OPTIONS(s),
        SESSION_MEMORY_OPTION(s),
        OPTION_EMBED(embed),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_similar, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;

    glimpse_hits *hits = NULL;
    tool_set_quiet(s.quiet);
    if ((code = output_check(&output, &cmd_similar)) != CLI_RUN) goto done;
    if (arguments.count != 1) {
        code = cli_misuse(&cmd_similar, arguments.count == 0 ? "similar to which picture?"
                                                             : "one picture at a time");
        goto done;
    }
    const char *path = arguments.words[0];
    search.k = (size_t)k;
    find.search = &search;
    find.page_token = output_page_token(token);
    if ((code = output_read_stages(&search, all, diverse, &cmd_similar)) != CLI_RUN) goto done;
    if (diverse && token) {
        code = cli_misuse(&cmd_similar, "--diverse has no pages: choose a larger -k");
        goto done;
    }
    if (!(find.relevance >= 0.0 && find.relevance <= 1.0)) {
        code = cli_misuse(&cmd_similar, "--relevance goes from 0 to 1");
        goto done;
    }
    if (sort && token) {
        code = cli_misuse(&cmd_similar, "--sort has no pages: choose a larger -k");
        goto done;
    }
    find.sort = (glimpse_sort)sort;
    find.reverse = reverse;
    if ((code = filters_read(&f, &search, &cmd_similar)) != CLI_RUN) goto done;
    int status = region ? glimpse_find_region_parse(&find.region, region) : GLIMPSE_OK;
    if (status < 0) {
        code = cli_refused(&cmd_similar, status);
        goto done;
    }
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    if (embed && (code = embed_rest(&s)) != CLI_RUN) goto done;
    if (glimpse_session_similar(&hits, s.base, path, &find) < 0) {
        code = tool_fail_last();
        goto done;
    }
    output_note_models(hits);
    output_note_cutoff(hits, find.all_scores, NULL);
    code = output_hits(&output, path, hits);
    output_note_page(token, hits);
done:
    glimpse_hits_free(hits);
    filters_free(&f);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_similar = {
    "similar",
    "IMAGE",
    "find pictures that look like one you have",
    "Finds the pictures of the library that are most like IMAGE, which need not be in the library. "
    "Its own bytes, under whatever name, are left out unless --with-self is given.\n\n"
    "With --region what is looked for is a part of the picture, this thing and not this picture: "
    "X,Y is its upper left corner, W,H its size, in pixels of the upright picture or in percent. "
    "The file is read for it. Things that are small in other pictures are found where these were "
    "indexed with --tiles.\n\n"
    "--model A+B asks both models and fuses their ranks, as at glimpse search.\n\n"
    "Near-duplicates and bursts are one result, as at glimpse search; --no-collapse shows each.\n\n"
    "Exit code 1 when nothing is found.",
    "  glimpse similar beach.jpg\n"
    "  glimpse similar beach.jpg -k 30 --html like-beach.html\n"
    "  glimpse similar beach.jpg --region 420,300,160,160\n"
    "  glimpse similar beach.jpg --min-score 0.9 --paths\n",
    run,
};
