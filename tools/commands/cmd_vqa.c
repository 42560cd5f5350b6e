/*
 * cmd_vqa.c - glimpse vqa: answers to questions about a picture, by BLIP, for scripts and tests.
 */
#include "blip_out.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct asking {
    blip_session blip;
    glimpse_blip_generation how;
    const char **questions;
    size_t question_count;
    cli_list candidates;      /* --answer: choose among these */
    glimpse_blip_text *rated; /* [candidates.count] */
    int first_token, all;
} asking;

static void begin(json_out *j, const char *path, const char *question) {
    jout_open(j, '{');
    if (path) jout_path(j, "image", path);
    jout_key(j, "question"), jout_string(j, question);
}

/* Candidates from the likeliest to the least, probabilities among themselves. */
static int rate(asking *a, const char *path, const char *question, const glimpse_blip_image *image,
                const glimpse_blip_text *ids) {
    size_t count = a->candidates.count, *order = xcalloc(count, sizeof *order);
    double *sums = xcalloc(count, sizeof *sums), total = 0;
    int code = CLI_RUN;
    if (glimpse_blip_rate(sums, a->blip.worker, image, ids, a->rated, count) < 0) {
        code = tool_fail_last();
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && sums[i] > sums[order[place - 1]]; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
    for (size_t i = 0; i < count; i++)
        total += exp(sums[i] - sums[order[0]]);
    json_out j = {stdout, 0};
    begin(&j, path, question);
    jout_key(&j, "answer"), jout_string(&j, a->candidates.values[order[0]]);
    jout_key(&j, "answers");
    jout_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        jout_open(&j, '{');
        jout_key(&j, "answer"), jout_string(&j, a->candidates.values[order[i]]);
        jout_key(&j, "sum_logprob"), jout_number(&j, sums[order[i]]);
        jout_key(&j, "probability");
        jout_number(&j, exp(sums[order[i]] - sums[order[0]]) / total);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
done:
    free(order);
    free(sums);
    return code;
}

static int answer(asking *a, const char *path, const char *question,
                  const glimpse_blip_image *image, const glimpse_blip_text *ids) {
    glimpse_blip_result *result = NULL;
    if (glimpse_blip_answer(&result, a->blip.worker, &image, ids, 1, &a->how) < 0) {
        return tool_fail_last();
    }
    json_out j = {stdout, 0};
    begin(&j, path, question);
    blip_print_sequence(&j, "answer", glimpse_blip_result_get(result, 0));
    if (a->all) blip_print_all(&j, "answer", result);
    jout_close(&j, '}');
    jout_end(&j);
    glimpse_blip_result_free(result);
    return CLI_RUN;
}

/* CLI_RUN, EXIT_PARTIAL for a picture that cannot be used, EXIT_FAILED. */
static int ask_about(asking *a, const char *path, int name_it) {
    glimpse_blip_image *image = NULL;
    int code = blip_look(&a->blip, path, &image);
    for (size_t i = 0; i < a->question_count && code == CLI_RUN; i++) {
        glimpse_blip_text ids;
        code = blip_encode(&a->blip, blip_first_role(a->first_token), a->questions[i], &ids, NULL);
        if (code == CLI_RUN) {
            code = (a->candidates.count > 0 ? rate : answer)(a, name_it ? path : NULL,
                                                             a->questions[i], image, &ids);
        }
        blip_text_free(&ids);
    }
    glimpse_blip_image_free(image);
    return code;
}

static int open_all(asking *a, const blip_choices *choices) {
    int code = blip_open(&a->blip, GLIMPSE_BLIP_ANSWER);
    if (code != CLI_RUN) return code;
    code = blip_generation(&cmd_vqa, &a->blip, choices, &a->how);
    if (code != CLI_RUN) return code;
    a->rated = xcalloc(a->candidates.count + 1, sizeof *a->rated);
    for (size_t i = 0; i < a->candidates.count; i++) {
        code = blip_encode(&a->blip, GLIMPSE_BLIP_TEXT_OUTPUT, a->candidates.values[i],
                           &a->rated[i], NULL);
        if (code != CLI_RUN) return code;
    }
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.pictures = 1;
    limits.beams = a->how.beams;
    limits.length = a->how.max_length;
    return blip_make_worker(&a->blip, &limits);
}

static int run(int argc, char **argv) {
    asking a = {.first_token = 0};
    blip_choices choices = BLIP_CHOICES_INIT;
    cli_list pictures = {0}, listed = {0};
    int json = 0, partial = 0;
    const cli_option options[] = {
        CLI_LIST("image", 'i', &pictures, "FILE", "the picture; may be repeated"),
        CLI_LIST("question", 'Q', &listed, "TEXT", "a question; may be repeated"),
        CLI_LIST("answer", 'a', &a.candidates, "TEXT",
                 "choose among given answers by their likelihood; may be repeated"),
        CLI_CHOICE("first-token", 0, &a.first_token, NULL,
                   "what stands first in a question: [CLS] as in transformers (default), or [ENC] "
                   "as salesforce/BLIP trained it",
                   blip_first_tokens),
        CLI_FLAG("json", 0, &json, "JSON, which is printed in any case"),
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
    for (size_t i = 0; i < pictures.count; i++) {
        code = ask_about(&a, pictures.values[i], pictures.count > 1);
        if (code == EXIT_FAILED) goto done;
        if (code == EXIT_PARTIAL) partial = 1;
    }
    code = partial ? EXIT_PARTIAL : EXIT_FOUND;
done:
    for (size_t i = 0; a.rated && i < a.candidates.count; i++)
        blip_text_free(&a.rated[i]);
    free(a.rated);
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
