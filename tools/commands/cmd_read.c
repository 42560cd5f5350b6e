/*
 * cmd_read.c - glimpse read DOCUMENT QUESTION: the pages that are about it, and the answer of a
 * vision-language model that looked at them.
 *
 * Finding the pages needs no model but CLIP and no network. Without a VLM that was chosen, the
 * pages and what stands there are the result.
 */
#include "cli.h"
#include "json_out.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"
#include "vlm_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *join(const char *const *words, size_t count) {
    size_t length = 1;
    for (size_t i = 0; i < count; i++)
        length += strlen(words[i]) + 1;
    char *text = xmalloc(length), *to = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) *to++ = ' ';
        to = stpcpy(to, words[i]);
    }
    *to = '\0';
    return text;
}

static void print_json(const glimpse_reading *r, const char *question) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "document", r->path);
    jout_key(&j, "question"), jout_string(&j, question);
    jout_key(&j, "page_count"), jout_uint(&j, r->page_count);
    jout_key(&j, "pages"), jout_open(&j, '[');
    for (size_t i = 0; i < r->count; i++) {
        const glimpse_reading_page *p = &r->pages[i];
        jout_open(&j, '{');
        jout_key(&j, "page"), jout_uint(&j, p->page);
        jout_key(&j, "score"), jout_number(&j, p->score);
        jout_key(&j, "text_score"), jout_number(&j, p->text);
        jout_key(&j, "cosine");
        if (p->cosine > -2.0)
            jout_number(&j, p->cosine);
        else
            jout_null(&j);
        jout_text_or_null(&j, "passage", p->passage);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    const glimpse_vlm_answer *a = r->answer;
    jout_text_or_null(&j, "answer", a && a->outcome == GLIMPSE_VLM_ANSWERED ? a->text : NULL);
    jout_key(&j, "answer_pages"), jout_open(&j, '[');
    for (size_t i = 0; i < r->answer_page_count; i++)
        jout_uint(&j, r->answer_pages[i]);
    jout_close(&j, ']');
    if (a) {
        jout_key(&j, "outcome"), jout_string(&j, glimpse_vlm_outcome_name(a->outcome));
        jout_text_or_null(&j, "reason", a->reason);
        jout_key(&j, "incomplete"), jout_bool(&j, a->incomplete);
        jout_key(&j, "confidence");
        if (a->confidence >= 0.0)
            jout_number(&j, a->confidence);
        else
            jout_null(&j);
        jout_key(&j, "model"), jout_string(&j, a->model);
        jout_key(&j, "cached"), jout_bool(&j, a->cached);
        jout_key(&j, "tokens_in"), jout_uint(&j, a->tokens_in);
        jout_key(&j, "tokens_out"), jout_uint(&j, a->tokens_out);
        jout_key(&j, "cost");
        if (a->cost >= 0.0)
            jout_number(&j, a->cost);
        else
            jout_null(&j);
    }
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_answer(const glimpse_reading *r) {
    const glimpse_vlm_answer *a = r->answer;
    if (!a) return;
    char *text = text_display(a->text), *reason = text_display(a->reason);
    switch (a->outcome) {
    case GLIMPSE_VLM_ANSWERED:
        (void)printf("%s", text);
        for (size_t i = 0; i < r->answer_page_count; i++)
            (void)printf("%s%zu", i > 0 ? ", " : " (page ", r->answer_pages[i]);
        (void)puts(r->answer_page_count > 0 ? ")" : "");
        break;
    case GLIMPSE_VLM_CANNOT_TELL: (void)puts("The model cannot tell from these pages."); break;
    case GLIMPSE_VLM_REFUSED: (void)printf("The model refused. %s\n", *text ? text : reason); break;
    case GLIMPSE_VLM_FAILED:
    case GLIMPSE_VLM_NOT_SENT: tool_print("no answer: %s", a->reason); break;
    }
    if (a->incomplete) tool_print("the answer is not whole: %s", a->reason);
    if (a->outcome == GLIMPSE_VLM_NOT_SENT && *text) {
        if (*a->address) (void)printf("%s:\n", a->address);
        (void)puts(text);
    }
    (void)putchar('\n');
    free(text);
    free(reason);
}

static void print_pages(const glimpse_reading *r) {
    for (size_t i = 0; i < r->count; i++) {
        const glimpse_reading_page *p = &r->pages[i];
        (void)printf("page %-4zu %.2f  ", p->page, p->score);
        char *shown = text_display(*p->passage        ? p->passage
                                   : p->cosine > -2.0 ? "(found by how it looks)"
                                                      : "");
        (void)puts(shown);
        free(shown);
    }
}

/* What the whole comes to. */
static int judge(const glimpse_reading *r, int dry_run) {
    if (r->count == 0) return EXIT_NOTHING;
    if (!r->answer) return EXIT_FOUND;
    if (r->answer->incomplete) return EXIT_PARTIAL;
    switch (r->answer->outcome) {
    case GLIMPSE_VLM_ANSWERED: return EXIT_FOUND;
    case GLIMPSE_VLM_REFUSED:
    case GLIMPSE_VLM_CANNOT_TELL: return EXIT_NOTHING;
    case GLIMPSE_VLM_NOT_SENT: return dry_run ? EXIT_FOUND : EXIT_PARTIAL;
    case GLIMPSE_VLM_FAILED: break;
    }
    return EXIT_PARTIAL;
}

static int run(int argc, char **argv) {
    session s = {0};
    vlm_session v = VLM_SESSION_INIT;
    glimpse_reading *r = NULL;
    char *question = NULL;
    uint64_t pages = GLIMPSE_READING_PAGES;
    int json = 0, find_only = 0, text_only = 0;
    const cli_option options[] = {
        CLI_SIZE("pages", 0, &pages, "N", "how many pages to show the model (default: 3)", 1,
                 GLIMPSE_READING_MAX_PAGES),
        CLI_FLAG("find", 0, &find_only, "only find the pages, ask nobody"),
        CLI_FLAG("text-only", 0, &text_only, "find pages by their text alone, not by their looks"),
        OPTION_JSON(json, "print one JSON object"),
        CLI_HEADING("Models"),
        CLI_TEXT("vlm", 'v', &v.spec, "MODEL",
                 "who is asked: a folder, {remote models} "
                 "(default: $GLIMPSE_VLM, else the configuration; else nobody)"),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        VLM_SESSION_OPTIONS(v),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_read, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (arguments.count < 2) {
        code = cli_misuse(&cmd_read, arguments.count == 0 ? "which document should be read?"
                                                          : "what should be looked for in it?");
        goto done;
    }
    tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    question = join(arguments.words + 1, arguments.count - 1);
    glimpse_reading_options reading = GLIMPSE_READING_OPTIONS_INIT;
    const glimpse_vlm_settings settings = vlm_session_settings(&v);
    reading.max_pages = (size_t)pages;
    reading.find_only = find_only;
    reading.text_only = text_only;
    reading.vlm = &settings;
    reading.progress = session_show_progress;
    reading.cancelled = session_cancelled;
    int status = glimpse_session_read(&r, s.base, arguments.words[0], question, &reading);
    progress_clear();
    if (status < 0) {
        code = session_fail(status);
        goto done;
    }
    if (json) {
        print_json(r, question);
    } else {
        print_answer(r);
        print_pages(r);
        if (r->count == 0) tool_print("no page is about that");
        if (!r->has_model && !find_only && r->count > 0) {
            tool_note("nobody was asked: name a model with --vlm or GLIMPSE_VLM for an answer");
        }
    }
    code = judge(r, v.dry_run);
done:
    glimpse_reading_free(r);
    free(question);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_read = {
    "read",
    "DOCUMENT QUESTION...",
    "find the pages of a document that answer a question, and ask about them",
    "Finds the pages of a PDF document (or a scanned picture) that are about the question: by "
    "their text, and by how they look to the CLIP model, which is what finds scanned pages. Then "
    "shows the best ones to a vision-language model and prints its answer with the pages it rests "
    "on. Without such a model the pages and what stands there are the result.\n\n"
    "Only the pages found leave the machine, and only when a remote model was chosen. Exit code 1 "
    "when no page is about it or the model cannot tell, 3 when the model could not be asked.",
    "  glimpse read report.pdf \"how much did shipping cost in May?\"\n"
    "  glimpse read manual.pdf --find a red warning sign\n"
    "  glimpse read contract.pdf --vlm anthropic:claude-haiku-4-5 \"who signed it?\" --json\n",
    run,
};
