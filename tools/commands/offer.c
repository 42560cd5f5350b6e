/*
 * offer.c - offers a model where nobody chose one.
 */
#include "offer.h"

#include "progress.h"
#include "question.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>

/* What was shown last, for when nothing comes any more. */
static struct {
    uint64_t done, total;
    double at;
    char file[128];
} shown;

int offer_show_progress(void *user, const glimpse_pull_progress *p) {
    (void)user;
    shown.done = p->done;
    shown.total = p->total;
    shown.at = progress_now();
    (void)snprintf(shown.file, sizeof shown.file, "%s", p->file);
    progress_show_bytes("pulling", p->done, p->total, p->bytes_a_second, p->file);
    return 0;
}

int offer_is_cancelled(void *user) {
    static const double SILENCE = 3.0;
    char detail[192];
    const double silent = progress_now() - shown.at;
    if (shown.total > 0 && silent > SILENCE) {
        (void)snprintf(detail, sizeof detail, "%s, nothing came for %s", shown.file,
                       text_duration(silent));
        progress_show_bytes("pulling", shown.done, shown.total, 0.0, detail);
    }
    return session_cancelled(user);
}

static const glimpse_catalog_model *find_recommended(session *s) {
    const glimpse_catalog *catalog = NULL;
    if (glimpse_session_catalog(&catalog, s->base) < 0) return NULL;
    for (size_t i = 0; i < glimpse_catalog_count(catalog); i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(catalog, i);
        if (m->recommended) return m;
    }
    return NULL;
}

/* With the licence that the table has, the answer to the offer was enough. */
static int accept_licence(const glimpse_pull_plan *plan, const char *offered) {
    const char *licence = plan->licence ? plan->licence : "none declared";
    if (!plan->is_gated && offered && strcmp(licence, offered) == 0) {
        tool_note("%s: %s to download; licence: %s (%s)", plan->repository,
                  text_bytes(plan->missing_bytes), licence, plan->page);
        return CLI_RUN;
    }
    return question_ask("Pull it", "--yes accepts it",
                        "%s: %s to download into %s\nLicence: %s (%s)", plan->repository,
                        text_bytes(plan->missing_bytes), plan->directory, licence, plan->page);
}

static int pull(session *s, const glimpse_catalog_model *model) {
    glimpse_pull *plan = NULL;
    glimpse_pull_options options = GLIMPSE_PULL_OPTIONS_INIT;
    options.progress = offer_show_progress;
    options.cancelled = offer_is_cancelled;
    options.message = tool_message;
    tool_catch_stop();
    int status = glimpse_session_open_pull(&plan, s->base, model->name, &options);
    if (status < 0) return session_stopped(status, "nothing was changed");
    int code = CLI_RUN;
    if (!glimpse_pull_describe(plan)->is_installed) {
        code = accept_licence(glimpse_pull_describe(plan), model->licence);
        if (code == CLI_RUN) status = glimpse_pull_run(plan);
        progress_clear();
        if (status < 0) code = session_stopped(status, "what came is kept; pull again to go on");
    }
    glimpse_pull_free(plan);
    return code;
}

/* The session anew, with this model as if it had been named. */
static int reopen(session *s, const char *name) {
    (void)snprintf(s->offered, sizeof s->offered, "%s", name);
    session_close(s);
    s->model_option = s->offered;
    return session_begin(s, 0);
}

/* What was pulled is used from now on. */
static int use(session *s, const glimpse_catalog_model *model, int of_library, int indexes) {
    if (of_library && !indexes) {
        tool_note("%s is installed. The pictures of this library are embedded by the demo model: "
                  "glimpse index --model %s embeds them with it, glimpse models --default %s then "
                  "makes it the one that is asked",
                  model->name, model->name, model->name);
        return CLI_RUN;
    }
    const int status = of_library ? glimpse_session_set_library_model(s->base, model->name)
                                  : glimpse_session_set_user_model(s->base, model->name);
    if (status < 0) return tool_fail_last();
    tool_note(
        "%s is installed, and used from now on (glimpse models --default NAME%s changes that)",
        model->name, of_library ? "" : " --user");
    return reopen(s, model->name);
}

typedef enum answer { ANSWER_REAL, ANSWER_DEMO, ANSWER_NOTHING, ANSWER_STOPPED } answer;

/* Asked until it is understood: a slip is not to decide what a library is made with. */
static answer ask(const glimpse_catalog_model *model, int is_installed) {
    char line[64];
    if (is_installed) {
        (void)fprintf(stderr,
                      "No model was chosen. The demo model knows only the world of the demo "
                      "pictures.\n"
                      "  u  use %s, which is installed\n"
                      "  d  go on with the demo model\n",
                      model->name);
    } else {
        (void)fprintf(stderr,
                      "No model was chosen. The demo model knows only the world of the demo "
                      "pictures.\n"
                      "  p  pull %s (%s, about %s, licence %s), and use it\n"
                      "  d  go on with the demo model\n",
                      model->name, model->family, text_bytes(model->bytes),
                      model->licence ? model->licence : "none declared");
    }
    const char real = is_installed ? 'u' : 'p';
    for (;;) {
        (void)fprintf(stderr, "Which? [%c/D] ", real);
        (void)fflush(stderr);
        if (!question_read(line, sizeof line)) {
            (void)fputc('\n', stderr);
            return tool_stopped() ? ANSWER_STOPPED : ANSWER_NOTHING;
        }
        if (line[0] == '\0') return ANSWER_NOTHING;
        const char letter = line[1] == '\0' ? (char)(line[0] | 32) : '\0';
        if (letter == real || letter == 'p') return ANSWER_REAL;
        if (letter == 'd') return ANSWER_DEMO;
        (void)fprintf(stderr, "Type %c or d, and Enter; Enter alone is d.\n", real);
    }
}

int offer_model(session *s, int indexes) {
    glimpse_model_choice choice = GLIMPSE_MODEL_CHOICE_INIT;
    if (s->quiet || !question_can_be_asked()) return CLI_RUN;
    /* What is wrong shows when the library or the model is needed. */
    if (!indexes && glimpse_session_has_library(s->base) < 0) return CLI_RUN;
    if (glimpse_session_model_choice(&choice, s->base) < 0 || choice.is_chosen) return CLI_RUN;
    const glimpse_catalog_model *model = find_recommended(s);
    if (!model) return CLI_RUN;
    const int of_library = choice.origin == GLIMPSE_MODEL_OF_LIBRARY;
    tool_catch_stop();
    const answer said = ask(model, glimpse_session_has_model(s->base, model));
    if (said == ANSWER_STOPPED) {
        tool_print("stopped; nothing was changed");
        return EXIT_STOPPED;
    }
    if (said == ANSWER_REAL) {
        int code = pull(s, model);
        return code == CLI_RUN ? use(s, model, of_library, indexes) : code;
    }
    /* Asked once: the answer is the library's. One that cannot be written is asked about again. */
    if (of_library && said == ANSWER_DEMO) (void)glimpse_session_set_library_model(s->base, "demo");
    tool_note("going on with the demo model; for another one later: glimpse pull %s, and glimpse "
              "index --model %s",
              model->name, model->name);
    return reopen(s, "demo");
}
