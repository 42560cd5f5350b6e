/*
 * blip_out.c - see blip_out.h.
 */
#include "blip_out.h"

#include "tool.h"

#include <glimpse/session_vlm.h>

#include <stdlib.h>
#include <string.h>

const char *const blip_first_tokens[] = {"cls", "enc", NULL};

glimpse_blip_role blip_first_role(int choice) {
    return choice == 1 ? GLIMPSE_BLIP_TEXT_ENC : GLIMPSE_BLIP_TEXT_CLS;
}

static const char *kind_name(glimpse_blip_kind kind) {
    switch (kind) {
    case GLIMPSE_BLIP_MATCH: return "a BlipForImageTextRetrieval";
    case GLIMPSE_BLIP_CAPTION: return "a BlipForConditionalGeneration";
    case GLIMPSE_BLIP_ANSWER: return "a BlipForQuestionAnswering";
    }
    return "another";
}

/* Of the demo VLM. */
static const char *part_name(glimpse_blip_kind kind) {
    return kind == GLIMPSE_BLIP_MATCH ? "itm" : kind == GLIMPSE_BLIP_CAPTION ? "caption" : "vqa";
}

int blip_open(blip_session *b, glimpse_blip_kind kind) {
    const char *path = NULL;
    int code = session_begin_without_library(&b->base);
    if (code != CLI_RUN) return code;
    int status = b->base.model_option
                     ? glimpse_session_model_path(&path, b->base.base)
                     : glimpse_session_vlm_spec(&path, b->base.base, NULL, part_name(kind));
    if (status < 0) return tool_fail_last();
    if (!b->base.model_option && glimpse_vlm_spec_is_remote(path)) {
        return tool_fail("%s is a remote model; this command needs %s one: --model DIR", path,
                         kind_name(kind));
    }
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    options.precision = (glimpse_precision)b->base.precision;
    options.backend = (glimpse_backend)b->base.backend;
    if (glimpse_blip_open(&b->model, path, &options) < 0) return tool_fail_last();
    if (glimpse_blip_kind_of(b->model) != kind) {
        return tool_fail("%s: %s model; this command needs %s one", path,
                         kind_name(glimpse_blip_kind_of(b->model)), kind_name(kind));
    }
    return CLI_RUN;
}

int blip_make_worker(blip_session *b, const glimpse_blip_limits *limits) {
    return glimpse_blip_worker_create(&b->worker, b->model, limits) < 0 ? tool_fail_last()
                                                                        : CLI_RUN;
}

void blip_close(blip_session *b) {
    glimpse_blip_worker_free(b->worker);
    glimpse_blip_close(b->model);
    b->worker = NULL;
    b->model = NULL;
    session_close(&b->base);
}

int blip_look(blip_session *b, const char *path, glimpse_blip_image **out) {
    glimpse_image *image = NULL;
    *out = NULL;
    if (glimpse_image_load(&image, path, NULL) < 0) {
        (void)tool_fail_last();
        return EXIT_PARTIAL;
    }
    int status = glimpse_blip_image_create(out, b->worker, image);
    glimpse_image_free(image);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

int blip_encode(const blip_session *b, glimpse_blip_role role, const char *text,
                glimpse_blip_text *out, int *truncated) {
    size_t room = glimpse_blip_text_positions(b->model);
    int32_t *ids = xcalloc(room, sizeof *ids);
    glimpse_tokens tokens = {ids, room, 0, 0};
    *out = (glimpse_blip_text){NULL, 0};
    if (glimpse_blip_encode(&tokens, b->model, role, text, strlen(text)) < 0) {
        free(ids);
        return tool_fail_last();
    }
    *out = (glimpse_blip_text){ids, tokens.count};
    if (truncated) *truncated = tokens.truncated;
    return CLI_RUN;
}

void blip_text_free(glimpse_blip_text *text) {
    free((void *)text->ids);
    *text = (glimpse_blip_text){NULL, 0};
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
    size_t most = glimpse_blip_text_positions(b->model);
    if (out->max_length > most) {
        return cli_misuse(command, "--max-length: this model writes at most %zu tokens", most);
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
