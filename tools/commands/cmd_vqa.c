/*
 * cmd_vqa.c - glimpse vqa: answers to questions about a picture, by BLIP, for scripts and tests.
 */
#include "blip_out.h"
#include "tool.h"

#include <stdlib.h>

typedef struct asking {
    blip_session blip;
    glimpse_blip_generation how;
    const char **questions;
    size_t question_count;
    cli_list candidates; /* --answer: choose among these */
    int first_token, all, name_pictures;
} asking;

static void print_ratings(json_out *j, const glimpse_blip_record *r) {
    jout_key(j, "answer"), jout_string(j, r->ratings[0].text);
    jout_key(j, "answers");
    jout_open(j, '[');
    for (size_t i = 0; i < r->rating_count; i++) {
        jout_open(j, '{');
        jout_key(j, "answer"), jout_string(j, r->ratings[i].text);
        jout_key(j, "sum_logprob"), jout_number(j, r->ratings[i].sum);
        jout_key(j, "probability"), jout_number(j, r->ratings[i].probability);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static int print_record(void *user, const glimpse_blip_record *r) {
    asking *a = user;
    if (r->problem) {
        blip_report_problem(&a->blip, r);
        return 0;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    if (a->name_pictures) jout_path(&j, "image", r->path);
    jout_key(&j, "question"), jout_string(&j, r->text);
    if (r->result) {
        blip_print_sequence(&j, "answer", glimpse_blip_result_get(r->result, 0));
        if (a->all) blip_print_all(&j, "answer", r->result);
    } else {
        print_ratings(&j, r);
    }
    jout_close(&j, '}');
    jout_end(&j);
    return 0;
}

static int open_all(asking *a, const blip_choices *choices) {
    int code = blip_open(&a->blip, GLIMPSE_BLIP_ANSWER);
    if (code != CLI_RUN) return code;
    code = blip_generation(&cmd_vqa, &a->blip, choices, &a->how);
    if (code != CLI_RUN) return code;
    glimpse_session_blip_options *o = &a->blip.options;
    o->generation = &a->how;
    o->role = blip_first_role(a->first_token);
    o->candidates = a->candidates.values;
    o->candidate_count = a->candidates.count;
    return CLI_RUN;
}

static int run(int argc, char **argv) {
    asking a = {.first_token = 0};
    blip_choices choices = BLIP_CHOICES_INIT;
    cli_list pictures = {0}, listed = {0};
    int json = 0;
    const cli_option options[] = {
        BLIP_PICTURES_OPTION(pictures),
        CLI_LIST("question", 'Q', &listed, "TEXT", "a question; may be repeated"),
        CLI_LIST("answer", 0, &a.candidates, "TEXT",
                 "choose among given answers by their likelihood; may be repeated"),
        CLI_CHOICE("first-token", 0, &a.first_token, NULL,
                   "what stands first in a question: [CLS] as in transformers (default), or [ENC] "
                   "as salesforce/BLIP trained it",
                   blip_first_tokens),
        BLIP_JSON_OPTION(json),
        CLI_FLAG("all", 0, &a.all, "all beams, best first, as \"beams\""),
        BLIP_GENERATION_OPTIONS(choices),
        CLI_HEADING("Model"),
        BLIP_MODEL_OPTIONS(a.blip),
        SESSION_QUIET_OPTION(a.blip.base),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_vqa, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(a.blip.base.quiet);
    tool_only_prints();
    a.questions = xcalloc(listed.count + arguments.count + 1, sizeof *a.questions);
    for (size_t i = 0; i < listed.count; i++)
        a.questions[a.question_count++] = listed.values[i];
    for (size_t i = 0; i < arguments.count; i++)
        a.questions[a.question_count++] = arguments.words[i];
    if (pictures.count == 0) {
        code = cli_misuse(&cmd_vqa, "which picture? --image FILE");
        goto done;
    }
    if (a.question_count == 0) {
        code = cli_misuse(&cmd_vqa, "which question? --question TEXT");
        goto done;
    }
    if ((code = open_all(&a, &choices)) != CLI_RUN) goto done;
    a.name_pictures = pictures.count > 1;
    code = blip_finish(&a.blip, glimpse_session_blip_answer(
                                    a.blip.base.base, pictures.values, pictures.count, a.questions,
                                    a.question_count, &a.blip.options, print_record, &a));
done:
    free(a.questions);
    blip_close(&a.blip);
    cli_list_free(&pictures);
    cli_list_free(&listed);
    cli_list_free(&a.candidates);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_vqa = {
    "vqa",
    "[QUESTION...]",
    "answers to questions about a picture, by BLIP",
    "Visual question answering by a BlipForQuestionAnswering model. Prints one JSON object per "
    "question, in order: "
    "{\"question\":...,\"answer\":...,\"ids\":[...],\"sum_logprob\":...,\"score\":...}, with "
    "several "
    "pictures each beginning with \"image\". ids begin with the start token; score is the "
    "log-probability of the tokens that were written (the end token included), divided by their "
    "number.\n\n"
    "With --answer, the given answers are rated instead of one written: \"answer\" is the "
    "likeliest, \"answers\" has all of them with their log-probability and the probability among "
    "themselves.\n\n"
    "Exit code 3 when a picture could not be used; the others are printed.",
    "  glimpse vqa -m ./blip-vqa-base -i a.jpg --question \"how many dogs are there?\"\n"
    "  glimpse vqa -m ./blip-vqa-base -i a.jpg \"is it day?\" --answer yes --answer no\n",
    run,
};
