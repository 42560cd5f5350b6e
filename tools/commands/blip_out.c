/*
 * blip_out.c - options and output that the commands around BLIP share.
 */
#include "blip_out.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>

const char *const blip_first_tokens[] = {"cls", "enc", NULL};

glimpse_blip_role blip_first_role(int choice) {
    return choice == 1 ? GLIMPSE_BLIP_TEXT_ENC : GLIMPSE_BLIP_TEXT_CLS;
}

int blip_open(blip_session *b, glimpse_blip_kind kind) {
    int code = session_begin_without_library(&b->base);
    if (code != CLI_RUN) return code;
    b->options = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    int status = b->base.model_option ? glimpse_session_model_path(&b->options.model, b->base.base)
                                      : GLIMPSE_OK;
    if (status == GLIMPSE_OK) {
        status = glimpse_session_blip(&b->model, b->base.base, b->options.model, kind);
    }
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

void blip_close(blip_session *b) {
    b->model = NULL;
    session_close(&b->base);
}

int blip_prompt_tokens(const blip_session *b, const char *prompt, size_t *count) {
    const size_t capacity = glimpse_blip_text_positions(b->model);
    int32_t *ids = xcalloc(capacity, sizeof *ids);
    glimpse_tokens tokens = {ids, capacity, 0, 0};
    int status =
        glimpse_blip_encode(&tokens, b->model, GLIMPSE_BLIP_TEXT_PROMPT, prompt, strlen(prompt));
    free(ids);
    *count = tokens.count;
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

void blip_report_problem(blip_session *b, const glimpse_blip_record *record) {
    tool_print("%s: %s", record->path, record->problem);
    b->partial = 1;
}

int blip_finish(const blip_session *b, int status) {
    if (status < 0) return session_stopped(status, "what was printed is whole");
    return b->partial ? EXIT_PARTIAL : EXIT_FOUND;
}

int blip_generation(const cli_command *command, const blip_session *b, const blip_choices *choices,
                    glimpse_blip_generation *out) {
    *out = GLIMPSE_BLIP_GENERATION_INIT;
    (void)glimpse_blip_generation_defaults(out, b->model);
    if (!choices->sample && (choices->temperature > 0 || choices->top_p > 0 ||
                             choices->top_k != BLIP_NOT_SAID || choices->seed > 0)) {
        return cli_misuse(command, "--temperature, --top-p, --top-k and --seed need --sample");
    }
    if (choices->temperature < 0 || choices->top_p < 0 || choices->top_p > 1) {
        return cli_misuse(command, "--temperature must be above 0, --top-p above 0 and up to 1");
    }
    if (choices->sample && choices->beams > 1) {
        return cli_misuse(command, "choose one of --sample and --beams");
    }
    if (choices->beams > 0) out->beams = (size_t)choices->beams;
    if (choices->sample) out->beams = 1;
    if (choices->max_length > 0) out->max_length = (size_t)choices->max_length;
    if (choices->min_length != BLIP_NOT_SAID) out->min_length = (size_t)choices->min_length;
    if (choices->length_penalty < BLIP_NOT_SAID) out->length_penalty = choices->length_penalty;
    out->sample = choices->sample;
    if (choices->temperature > 0) out->temperature = choices->temperature;
    if (choices->top_p > 0) out->top_p = choices->top_p;
    if (choices->top_k != BLIP_NOT_SAID) out->top_k = (size_t)choices->top_k;
    out->seed = choices->seed;
    size_t max = glimpse_blip_text_positions(b->model);
    if (out->max_length > max) {
        return cli_misuse(command, "--max-length: this model writes at most %zu tokens", max);
    }
    return CLI_RUN;
}

void blip_print_sequence(json_out *j, const char *name, const glimpse_blip_sequence *sequence) {
    jout_key(j, name), jout_string(j, sequence->text);
    jout_key(j, "ids");
    jout_open(j, '[');
    for (size_t i = 0; i < sequence->count; i++)
        jout_int(j, sequence->ids[i]);
    jout_close(j, ']');
    jout_key(j, "sum_logprob"), jout_number(j, sequence->sum);
    jout_key(j, "score"), jout_number(j, sequence->score);
}

void blip_print_all(json_out *j, const char *name, const glimpse_blip_result *result) {
    jout_key(j, "beams");
    jout_open(j, '[');
    for (size_t i = 0; i < glimpse_blip_result_count(result); i++) {
        jout_open(j, '{');
        blip_print_sequence(j, name, glimpse_blip_result_get(result, i));
        jout_close(j, '}');
    }
    jout_close(j, ']');
}
