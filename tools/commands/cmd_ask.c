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
#include <sys/stat.h>

typedef struct asking {
    const char *question;
    int json, dry_run;
    size_t total; /* answers */
    int answered, unclear, unusable;
} asking;

static void print_text(const asking *a, const glimpse_vlm_request *request,
                       const glimpse_vlm_answer *answer) {
    char *path = text_display(request->pictures[0].path), *text = text_display(answer->text);
    const char *said = text;
    if (answer->outcome == GLIMPSE_VLM_CANNOT_TELL) said = "(cannot tell)";
    if (answer->outcome == GLIMPSE_VLM_REFUSED && (!*text || answer->incomplete)) {
        said = "(refused)"; /* what a filter stopped in the middle is not what it says */
    }
    if (answer->outcome == GLIMPSE_VLM_NOT_SENT && a->dry_run) {
        vlm_print_plan(request, answer);
    } else if (answer->outcome >= GLIMPSE_VLM_FAILED) {
        tool_print("%s%s: %s", request->pictures[0].path,
                   request->picture_count > 1 ? " and others" : "", answer->reason);
    } else if (a->total > 1) {
        (void)printf("%s\t%s\n", path, said);
    } else {
        (void)printf("%s\n", said);
    }
    if (answer->incomplete) tool_print("%s: %s", request->pictures[0].path, answer->reason);
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

static int on_answer(void *user, const glimpse_vlm_request *request,
                     const glimpse_vlm_answer *answer) {
    asking *a = user;
    if (answer->outcome == GLIMPSE_VLM_ANSWERED) a->answered = 1;
    if (answer->outcome == GLIMPSE_VLM_REFUSED || answer->outcome == GLIMPSE_VLM_CANNOT_TELL) {
        a->unclear = 1;
    }
    if ((answer->outcome >= GLIMPSE_VLM_FAILED || answer->incomplete) && !a->dry_run) {
        a->unusable = 1;
    }
    progress_clear();
    print_answer(a, request, answer);
    tool_flush();
    return 0;
}

static int ask_all(asking *a, session *s, const glimpse_ask_options *options,
                   const cli_arguments *words) {
    glimpse_ask_report report = GLIMPSE_ASK_REPORT_INIT;
    a->total = options->together ? 1 : words->count - 1;
    int status = glimpse_session_ask(&report, s->base, a->question, words->words + 1,
                                     words->count - 1, options, on_answer, a);
    progress_clear();
    if (status < 0) return session_fail(status);
    vlm_note_use(&report.vlm);
    if (a->dry_run) return EXIT_FOUND;
    if (a->unusable) return a->answered || a->unclear ? EXIT_PARTIAL : EXIT_FAILED;
    return a->answered ? EXIT_FOUND : EXIT_NOTHING;
}

static int is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

static int all_files(const cli_arguments *words) {
    for (size_t i = 1; i < words->count; i++)
        if (!is_file(words->words[i])) return 0;
    return 1;
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    asking a = {.question = NULL};
    int together = 0;
    const cli_option options[] = {
        CLI_TEXT("model", 'm', &v.spec, "MODEL",
                 "a BLIP folder, {remote models} (default: $GLIMPSE_VLM, else the configuration "
                 "file's, else the demo VLM)"),
        OPTION_JSON(a.json, "one JSON object for each answer"),
        CLI_FLAG("together", 0, &together, "one question about all pictures (remote models)"),
        VLM_SESSION_OPTIONS(v),
        CLI_HEADING("Others"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_PRECISION_OPTION(s, "arithmetic of a native model"),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments words = {0};
    int code = cli_parse(&cmd_ask, options, argc, argv, &words);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (words.count < 2 || !*words.words[0]) {
        code =
            cli_misuse(&cmd_ask, words.count == 0 ? "what is the question?"
                                                  : "a question in quotation marks, then pictures");
        goto done;
    }
    if (is_file(words.words[0]) && !all_files(&words)) {
        code = cli_misuse(&cmd_ask, "%s is a file; the question comes first, then the pictures",
                          words.words[0]);
        goto done;
    }
    if (together && words.count - 1 > GLIMPSE_VLM_MAX_PICTURES) {
        code = cli_misuse(&cmd_ask, "%d pictures at most go together", GLIMPSE_VLM_MAX_PICTURES);
        goto done;
    }
    a.question = words.words[0];
    a.dry_run = v.dry_run;
    tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    glimpse_ask_options asking_options = GLIMPSE_ASK_OPTIONS_INIT;
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    asking_options.vlm = &settings;
    asking_options.together = together;
    asking_options.progress = session_show_progress;
    asking_options.cancelled = session_cancelled;
    code = ask_all(&a, &s, &asking_options, &words);
done:
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
    "picture "
    "is sent, and paid for, once.\n\n"
    "Keys come from {remote keys}, or from "
    "~/.config/glimpse/vlm.json. The prompt around the question is data/prompts/ask.txt; one of "
    "your own goes into ~/.config/glimpse/prompts/.\n\n"
    "Exit code 1 when no picture shows it or the model refused, 3 when some pictures could not be "
    "asked about or an answer was cut or broke off, 4 when none came.",
    "  glimpse ask \"How many people are in this picture?\" party.jpg\n"
    "  glimpse ask --model openai:gpt-4o-mini --max-cost 0.50 --json \"What is this?\" *.jpg\n"
    "  glimpse ask --model openai:any@http://localhost:8080/v1 \"Is it raining?\" street.jpg\n"
    "  glimpse ask --dry-run \"What does the sign say?\" sign.jpg\n",
    run,
};
