/*
 * cmd_ask.c - glimpse ask: a question about pictures, answered by a vision-language model.
 */
#include "json_out.h"
#include "progress.h"
#include "text.h"
#include "tool.h"
#include "vlm_out.h"
#include "vlm_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct asking {
    const char *question;
    int json, together, dry_run;
    size_t done, total;
    double started;
    int answered, unclear, unusable;
    glimpse_vlm_answer **waiting; /* [total] that came before an earlier one */
    const glimpse_vlm_request *requests;
    size_t printed;
} asking;

static void print_text(const asking *a, const glimpse_vlm_request *request,
                       const glimpse_vlm_answer *answer) {
    char *path = text_display(request->pictures[0].path), *text = text_display(answer->text);
    const char *said = text;
    if (answer->outcome == GLIMPSE_VLM_CANNOT_TELL) said = "(cannot tell)";
    if (answer->outcome == GLIMPSE_VLM_REFUSED && !*text) said = "(refused)";
    if (answer->outcome == GLIMPSE_VLM_NOT_SENT && a->dry_run) {
        vlm_print_plan(request, answer);
    } else if (answer->outcome >= GLIMPSE_VLM_FAILED) {
        tool_say("%s: %s", request->pictures[0].path, answer->reason);
    } else if (a->total > 1) {
        (void)printf("%s\t%s\n", path, said);
    } else {
        (void)printf("%s\n", said);
    }
    free(path);
    free(text);
}

static void print_answer(asking *a, const glimpse_vlm_request *request,
                         const glimpse_vlm_answer *answer) {
    if (!a->json) {
        print_text(a, request, answer);
        return;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    vlm_print_pictures(&j, request);
    jout_key(&j, "question"), jout_string(&j, a->question);
    vlm_print_answer(&j, answer);
    jout_close(&j, '}');
    jout_end(&j);
}

/* Answers come as they come and are printed in the order of the command line. */
static int on_answer(void *user, size_t i, const glimpse_vlm_request *request,
                     glimpse_vlm_answer **answer) {
    asking *a = user;
    glimpse_vlm_outcome outcome = (*answer)->outcome;
    (void)request;
    a->done++;
    if (outcome == GLIMPSE_VLM_ANSWERED) a->answered = 1;
    if (outcome == GLIMPSE_VLM_REFUSED || outcome == GLIMPSE_VLM_CANNOT_TELL) a->unclear = 1;
    if (outcome >= GLIMPSE_VLM_FAILED && !a->dry_run) a->unusable = 1;
    a->waiting[i] = *answer;
    *answer = NULL;
    progress_clear();
    for (; a->printed < a->total && a->waiting[a->printed]; a->printed++) {
        print_answer(a, &a->requests[a->printed], a->waiting[a->printed]);
        glimpse_vlm_answer_free(a->waiting[a->printed]);
        a->waiting[a->printed] = NULL;
    }
    (void)fflush(stdout);
    progress_show("asking", a->done, a->total, 1, progress_now() - a->started, NULL);
    return GLIMPSE_OK;
}

/* One request for each picture, or one for all. */
static int ask_all(asking *a, vlm_session *v, const cli_arguments *words, char *prompt,
                   int with_confidence) {
    size_t pictures = words->count - 1;
    glimpse_vlm_picture *list = xcalloc(pictures, sizeof *list);
    a->total = a->together ? 1 : pictures;
    glimpse_vlm_request *requests = xcalloc(a->total, sizeof *requests);
    for (size_t i = 0; i < pictures; i++)
        list[i].path = words->words[i + 1];
    for (size_t i = 0; i < a->total; i++) {
        requests[i] = GLIMPSE_VLM_REQUEST_INIT;
        requests[i].pictures = list + i;
        requests[i].picture_count = a->together ? pictures : 1;
        requests[i].text = a->question;
        requests[i].prompt = prompt;
        requests[i].samples = (unsigned)v->samples;
        requests[i].keep_metadata = v->keep_metadata;
        if (with_confidence) requests[i].schema = GLIMPSE_VLM_JSON_ANSWER;
    }
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    a->requests = requests;
    a->waiting = xcalloc(a->total, sizeof(glimpse_vlm_answer *));
    a->started = progress_now();
    int status = glimpse_vlm_run(&totals, v->vlm, requests, a->total, &v->run, on_answer, a);
    progress_clear();
    for (size_t i = a->printed; i < a->total; i++) { /* stopped in between */
        if (a->waiting[i]) print_answer(a, &requests[i], a->waiting[i]);
        glimpse_vlm_answer_free(a->waiting[i]);
    }
    free(a->waiting);
    free(requests);
    free(list);
    if (status == GLIMPSE_E_CANCELLED) return EXIT_STOPPED;
    if (status < 0) return tool_fail_last();
    vlm_session_note_totals(v, &totals);
    if (a->dry_run) return EXIT_FOUND;
    if (a->unusable) return a->answered || a->unclear ? EXIT_PARTIAL : EXIT_FAILED;
    return a->answered ? EXIT_FOUND : EXIT_NOTHING;
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    asking a = {.question = NULL};
    v.part = "vqa";
    const cli_option options[] = {
        CLI_TEXT("model", 'm', &v.spec, "MODEL",
                 "a BLIP folder, {remote models} (default: $GLIMPSE_VLM, else the configuration "
                 "file's, else the demo VLM)"),
        CLI_FLAG("json", 0, &a.json, "one JSON object for each answer"),
        CLI_FLAG("together", 0, &a.together, "one question about all pictures (remote models)"),
        VLM_SESSION_OPTIONS(v),
        CLI_HEADING("Others"),
        SESSION_LIBRARY_OPTION(s),
        CLI_CHOICE("precision", 0, &s.precision, NULL, "arithmetic of a native model",
                   glimpse_precision_names()),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments words = {0};
    char *prompt = NULL;
    int code = cli_parse(&cmd_ask, options, argc, argv, &words);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (words.count < 2 || !*words.words[0]) {
        code =
            cli_misuse(&cmd_ask, words.count == 0 ? "what is the question?"
                                                  : "a question in quotation marks, then pictures");
        goto done;
    }
    if (a.together && words.count - 1 > GLIMPSE_VLM_MAX_PICTURES) {
        code = cli_misuse(&cmd_ask, "%d pictures at most go together", GLIMPSE_VLM_MAX_PICTURES);
        goto done;
    }
    a.question = words.words[0];
    a.dry_run = v.dry_run;
    tool_catch_stop();
    /* The library has the cache; without one the user's own serves. */
    if ((code = session_open_library_if_any(&s, 1)) != CLI_RUN) goto done;
    if ((code = vlm_session_open(&v, &s)) != CLI_RUN) goto done;
    if (glimpse_vlm_is_remote(v.vlm) && !(prompt = vlm_session_prompt("ask", a.question))) {
        code = EXIT_FAILED;
        goto done;
    }
    /* How sure it is, for the second model to be asked where it is not. */
    code = ask_all(&a, &v, &words, prompt, v.second && v.samples < 2);
done:
    free(prompt);
    vlm_session_close(&v);
    session_close(&s);
    cli_arguments_free(&words);
    return code;
}

const cli_command cmd_ask = {
    "ask",
    "QUESTION IMAGE...",
    "answers to a question about pictures",
    "Asks a vision-language model: a native BLIP for question answering, which nothing leaves this "
    "machine for, or any server or provider (docs/remote.md). Pictures are scaled down and "
    "stripped "
    "of EXIF and GPS before they are sent. Answers are kept: the same question about the same "
    "bytes "
    "is sent, and paid for, once.\n\n"
    "Keys come from {remote keys}, or from "
    "~/.config/glimpse/vlm.json. The prompt around the question is data/prompts/ask.txt; one of "
    "your own goes into ~/.config/glimpse/prompts/.\n\n"
    "Exit code 1 when no picture shows it or the model refused, 3 when some pictures could not be "
    "asked about, 4 when none could.",
    "  glimpse ask \"How many people are in this picture?\" party.jpg\n"
    "  glimpse ask --model openai:gpt-4o-mini --max-cost 0.50 --json \"What is this?\" *.jpg\n"
    "  glimpse ask --model openai:any@http://localhost:8080/v1 \"Is it raining?\" street.jpg\n"
    "  glimpse ask --dry-run \"What does the sign say?\" sign.jpg\n",
    run,
};
