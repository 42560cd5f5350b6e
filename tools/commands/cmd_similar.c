/*
 * cmd_similar.c - glimpse similar IMAGE: pictures that look like one you have.
 *
 * A picture of the library is compared by its stored embedding and nothing is decoded; any other
 * one is encoded first. Results with the very bytes of the picture are the picture itself.
 */
#include "cli.h"
#include "output.h"
#include "session.h"
#include "stored.h"
#include "tool.h"

#include <glimpse/sys/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 1 when both files hold the same bytes. */
static int same_bytes(const char *a, const char *b) {
    struct stat info_a, info_b;
    if (stat(a, &info_a) != 0 || stat(b, &info_b) != 0) return 0;
    if (info_a.st_size != info_b.st_size) return 0;
    if (info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino) return 1;
    FILE *file_a = fopen(a, "rb"), *file_b = fopen(b, "rb");
    int same = file_a && file_b;
    while (same) {
        char chunk_a[8192], chunk_b[8192];
        size_t got_a = fread(chunk_a, 1, sizeof chunk_a, file_a);
        size_t got_b = fread(chunk_b, 1, sizeof chunk_b, file_b);
        same = got_a == got_b && memcmp(chunk_a, chunk_b, got_a) == 0;
        if (got_a < sizeof chunk_a) break;
    }
    if (file_a) (void)fclose(file_a);
    if (file_b) (void)fclose(file_b);
    return same;
}

static int embed_file(session *s, const char *path, float *vector) {
    int status = glimpse_encoder_create(&s->encoder, s->model, 1);
    if (status == GLIMPSE_OK) status = glimpse_encoder_file(vector, s->encoder, path, 0);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

static int run(int argc, char **argv) {
    session s = {0};
    output_options output = {0};
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    uint64_t k = 10;
    int with_self = 0;
    const cli_option options[] = {
        CLI_SIZE("count", 'k', &k, "N", "how many results (default: 10)", 1, 1000000),
        CLI_FLAG("with-self", 0, &with_self, "leave the picture itself among the results"),
        CLI_TEXT("in", 'i', &search.path_prefix, "PREFIX",
                 "only pictures below this folder, or whose path begins so"),
        CLI_TEXT("after", 0, &search.after, "DATE",
                 "only pictures taken on or after 2021, 2021-05, 2021-05-30 or with T14:00:00"),
        CLI_TEXT("before", 0, &search.before, "DATE", "only pictures taken before"),
        CLI_NUMBER("min-score", 0, &search.min_score, "S", "only results with at least this score"),
        OUTPUT_OPTIONS(output),
        CLI_HEADING("Library and model"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_similar, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;

    glimpse_results *best = NULL;
    float *vector = NULL;
    char id[33] = "";
    tool_set_quiet(s.quiet);
    if ((code = output_check(&output, &cmd_similar)) != CLI_RUN) goto done;
    if (arguments.count != 1) {
        code = cli_misuse(&cmd_similar, arguments.count == 0 ? "similar to which picture?"
                                                             : "one picture at a time");
        goto done;
    }
    const char *path = arguments.words[0];
    if ((code = session_open_library(&s, 0)) != CLI_RUN) goto done;
    if ((code = session_open_model(&s, GLIMPSE_TOWER_IMAGE, 0)) != CLI_RUN) goto done;
    vector = xmalloc(glimpse_model_embedding_size(s.model) * sizeof *vector);
    glimpse_stored_file stored = {0};
    if (glimpse_stored_picture(vector, &stored, s.library, s.model, path)) {
        (void)snprintf(id, sizeof id, "%s", stored.id);
    } else {
        if ((code = embed_file(&s, path, vector)) != CLI_RUN) goto done;
        if (!with_self) {
            /* The library may know its bytes under another name; then that is the best one. */
            search.k = 1;
            if (glimpse_library_search(&best, s.library, s.model, vector, &search) == GLIMPSE_OK &&
                glimpse_results_count(best) == 1 &&
                same_bytes(path, glimpse_results_get(best, 0)->path)) {
                (void)snprintf(id, sizeof id, "%s", glimpse_results_get(best, 0)->id);
            }
        }
    }
    search.k = (size_t)k;
    search.exclude_id = *id && !with_self ? id : NULL;
    code = output_search(&output, &cmd_similar, path, s.library, s.model, vector, &search);
done:
    glimpse_results_free(best);
    free(vector);
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
    "Exit code 1 when nothing is found.",
    "  glimpse similar beach.jpg\n"
    "  glimpse similar beach.jpg -k 30 --html like-beach.html\n"
    "  glimpse similar beach.jpg --min-score 0.9 --paths\n",
    run,
};
