/*
 * cmd_read.c - glimpse read DOCUMENT QUESTION: the pages that are about it, and the answer of a
 * vision-language model that looked at them.
 *
 * Finding the pages needs no model but CLIP and no network. Without a VLM that was chosen, the
 * pages and what stands there are the result.
 */
#include "cli.h"
#include "json_out.h"
#include "read_pages.h"
#include "session.h"
#include "text.h"
#include "tool.h"
#include "vlm_session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSAGE_BYTES = 320, TEXT_SENT = 6000, MOST_PAGES = 16, DEFAULT_PAGES = 3 };

typedef struct reading {
    session session;
    vlm_session vlm;
    glimpse_document *document;
    char *question;
    found_pages found;
    glimpse_vlm_answer *answer; /* NULL: nobody was asked */
    json_t *answer_pages;       /* numbers, or NULL */
    char *labels[MOST_PAGES];   /* in front of each picture */
    glimpse_image *looks[MOST_PAGES];
    size_t asked; /* pages shown to the model */
} reading;

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

/* Somebody to ask was named: on the command line, in the environment or in the configuration. */
static int somebody_to_ask(const vlm_session *v) {
    char spec[512];
    const char *named = getenv("GLIMPSE_VLM");
    return v->spec || (named && *named) ||
           (glimpse_vlm_default_spec(spec, sizeof spec, NULL) == GLIMPSE_OK && spec[0]);
}

/* "Page 3 (its text: ...)", cut between characters. */
static char *label_of(const glimpse_document *document, size_t page) {
    const char *text = glimpse_document_text(document, page);
    size_t keep = strlen(text);
    if (keep > TEXT_SENT) {
        keep = TEXT_SENT;
        while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
            keep--;
    }
    if (text[strspn(text, " \t\r\n")] == '\0') return xprintf("Page %zu:", page);
    return xprintf("Page %zu, whose text is:\n%.*s\nPage %zu as it looks:", page, (int)keep, text,
                   page);
}

/* Shows the pages found to the model. A native one takes a single picture. */
static int ask(reading *r) {
    int code = vlm_session_open(&r->vlm, &r->session);
    if (code != CLI_RUN) return code;
    const int remote = glimpse_vlm_is_remote(r->vlm.vlm);
    glimpse_vlm_picture pictures[MOST_PAGES];
    const size_t most = remote ? MOST_PAGES : 1;
    for (; r->asked < r->found.count && r->asked < most; r->asked++) {
        const size_t page = r->found.pages[r->asked].page;
        if (glimpse_document_render(&r->looks[r->asked], r->document, page,
                                    glimpse_vlm_task_side(GLIMPSE_VLM_TEXT)) < 0) {
            return tool_fail_last();
        }
        r->labels[r->asked] = label_of(r->document, page);
        pictures[r->asked] = GLIMPSE_VLM_PICTURE_INIT;
        pictures[r->asked].image = r->looks[r->asked];
        pictures[r->asked].label = r->labels[r->asked];
    }
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    char *prompt = remote ? vlm_session_prompt("read", r->question) : NULL;
    if (remote && !prompt) return EXIT_FAILED;
    request.pictures = pictures;
    request.picture_count = r->asked;
    request.text = r->question;
    request.prompt = prompt;
    request.task = GLIMPSE_VLM_TEXT;
    request.schema = remote ? GLIMPSE_VLM_JSON_PAGES : GLIMPSE_VLM_PLAIN;
    request.samples = (unsigned)r->vlm.samples;
    request.keep_metadata = r->vlm.keep_metadata;
    int status = glimpse_vlm_ask(&r->answer, r->vlm.vlm, &request, &r->vlm.run);
    free(prompt);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

/* The pages the answer rests on: those the model names among the ones it was shown. */
static void read_answer_pages(reading *r) {
    r->answer_pages = json_array();
    if (!r->answer_pages || !r->answer || r->answer->outcome != GLIMPSE_VLM_ANSWERED) return;
    json_t *object = r->answer->json ? json_loads(r->answer->json, 0, NULL) : NULL;
    size_t i;
    json_t *number;
    json_array_foreach(json_object_get(object, "pages"), i, number) {
        for (size_t k = 0; k < r->asked; k++) {
            if ((double)r->found.pages[k].page == json_number_value(number)) {
                (void)json_array_append(r->answer_pages, number);
                break;
            }
        }
    }
    json_decref(object);
    if (r->asked == 1 && json_array_size(r->answer_pages) == 0) {
        (void)json_array_append_new(r->answer_pages,
                                    json_integer((json_int_t)r->found.pages[0].page));
    }
}

static void print_json(const reading *r) {
    json_out j = {stdout, 0};
    char passage[PASSAGE_BYTES];
    jout_open(&j, '{');
    jout_path(&j, "document", glimpse_document_path(r->document));
    jout_key(&j, "question"), jout_string(&j, r->question);
    jout_key(&j, "page_count"), jout_uint(&j, glimpse_document_page_count(r->document));
    jout_key(&j, "pages"), jout_open(&j, '[');
    for (size_t i = 0; i < r->found.count; i++) {
        const found_page *p = &r->found.pages[i];
        (void)glimpse_document_passage(passage, sizeof passage, r->document, p->page, r->question);
        jout_open(&j, '{');
        jout_key(&j, "page"), jout_uint(&j, p->page);
        jout_key(&j, "score"), jout_number(&j, p->score);
        jout_key(&j, "text_score"), jout_number(&j, p->text);
        jout_key(&j, "cosine");
        if (p->cosine > -2.0)
            jout_number(&j, p->cosine);
        else
            jout_null(&j);
        jout_text_or_null(&j, "passage", passage);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    const glimpse_vlm_answer *a = r->answer;
    jout_text_or_null(&j, "answer", a && a->outcome == GLIMPSE_VLM_ANSWERED ? a->text : NULL);
    jout_key(&j, "answer_pages"), jout_open(&j, '[');
    for (size_t i = 0; i < json_array_size(r->answer_pages); i++)
        jout_int(&j, json_integer_value(json_array_get(r->answer_pages, i)));
    jout_close(&j, ']');
    if (a) {
        jout_key(&j, "outcome"), jout_string(&j, glimpse_vlm_outcome_name(a->outcome));
        jout_text_or_null(&j, "reason", a->reason);
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

static void print_answer(const reading *r) {
    const glimpse_vlm_answer *a = r->answer;
    if (!a) return;
    char *text = text_display(a->text), *reason = text_display(a->reason);
    switch (a->outcome) {
    case GLIMPSE_VLM_ANSWERED:
        (void)printf("%s", text);
        for (size_t i = 0; i < json_array_size(r->answer_pages); i++) {
            (void)printf("%s%lld", i > 0 ? ", " : " (page ",
                         (long long)json_integer_value(json_array_get(r->answer_pages, i)));
        }
        (void)puts(json_array_size(r->answer_pages) > 0 ? ")" : "");
        break;
    case GLIMPSE_VLM_CANNOT_TELL: (void)puts("The model cannot tell from these pages."); break;
    case GLIMPSE_VLM_REFUSED: (void)printf("The model refused. %s\n", *text ? text : reason); break;
    case GLIMPSE_VLM_FAILED:
    case GLIMPSE_VLM_NOT_SENT: tool_say("no answer: %s", a->reason); break;
    }
    if (a->outcome == GLIMPSE_VLM_NOT_SENT && *text) (void)puts(text);
    (void)putchar('\n');
    free(text);
    free(reason);
}

static void print_pages(const reading *r) {
    char passage[PASSAGE_BYTES];
    for (size_t i = 0; i < r->found.count; i++) {
        const found_page *p = &r->found.pages[i];
        (void)printf("page %-4zu %.2f  ", p->page, p->score);
        (void)glimpse_document_passage(passage, sizeof passage, r->document, p->page, r->question);
        char *shown = text_display(*passage           ? passage
                                   : p->cosine > -2.0 ? "(found by how it looks)"
                                                      : "");
        (void)puts(shown);
        free(shown);
    }
}

/* What the whole comes to. */
static int judge(const reading *r) {
    if (r->found.count == 0) return EXIT_NOTHING;
    if (!r->answer) return EXIT_FOUND;
    switch (r->answer->outcome) {
    case GLIMPSE_VLM_ANSWERED: return EXIT_FOUND;
    case GLIMPSE_VLM_REFUSED:
    case GLIMPSE_VLM_CANNOT_TELL: return EXIT_NOTHING;
    case GLIMPSE_VLM_NOT_SENT: return r->vlm.dry_run ? EXIT_FOUND : EXIT_PARTIAL;
    case GLIMPSE_VLM_FAILED: break;
    }
    return EXIT_PARTIAL;
}

static int run(int argc, char **argv) {
    reading r = {.session = {0}, .vlm = VLM_SESSION_INIT};
    session *s = &r.session;
    uint64_t pages = DEFAULT_PAGES;
    int json = 0, find_only = 0, text_only = 0;
    const cli_option options[] = {
        CLI_SIZE("pages", 'n', &pages, "N", "how many pages to show the model (default: 3)", 1,
                 MOST_PAGES),
        CLI_FLAG("find", 0, &find_only, "only find the pages, ask nobody"),
        CLI_FLAG("text-only", 0, &text_only, "find pages by their text alone, not by their looks"),
        CLI_FLAG("json", 0, &json, "print one JSON object"),
        CLI_HEADING("Models"),
        CLI_TEXT("vlm", 'v', &r.vlm.spec, "MODEL",
                 "who is asked: a folder, {remote models} "
                 "(default: $GLIMPSE_VLM, else the configuration; else nobody)"),
        SESSION_MODEL_OPTIONS(r.session),
        SESSION_BACKEND_OPTION(r.session),
        VLM_SESSION_OPTIONS(r.vlm),
        SESSION_QUIET_OPTION(r.session),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_read, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s->quiet);
    if (arguments.count < 2) {
        code = cli_misuse(&cmd_read, arguments.count == 0 ? "which document should be read?"
                                                          : "what should be looked for in it?");
        goto done;
    }
    tool_catch_stop();
    r.question = join(arguments.words + 1, arguments.count - 1);
    if (glimpse_document_open(&r.document, arguments.words[0], NULL) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if ((code = session_open_library_if_any(s, 0)) != CLI_RUN) goto done;
    if (!text_only && (code = session_open_model(s, GLIMPSE_TOWER_BOTH, 0)) != CLI_RUN) goto done;
    code = read_pages_find(&r.found, s, r.document, r.question, (size_t)pages);
    if (code != CLI_RUN) goto done;
    const int asking = !find_only && somebody_to_ask(&r.vlm);
    if (asking && r.found.count > 0) {
        if ((code = ask(&r)) != CLI_RUN) goto done;
    }
    read_answer_pages(&r);
    if (json) {
        print_json(&r);
    } else {
        print_answer(&r);
        print_pages(&r);
        if (r.found.count == 0) tool_say("no page is about that");
        if (!asking && !find_only && r.found.count > 0) {
            tool_note("nobody was asked: name a model with --vlm or GLIMPSE_VLM for an answer");
        }
    }
    code = judge(&r);
done:
    for (size_t i = 0; i < r.asked; i++) {
        free(r.labels[i]);
        glimpse_image_free(r.looks[i]);
    }
    json_decref(r.answer_pages);
    glimpse_vlm_answer_free(r.answer);
    read_pages_free(&r.found);
    glimpse_document_close(r.document);
    free(r.question);
    vlm_session_close(&r.vlm);
    session_close(s);
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
