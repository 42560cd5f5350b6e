/*
 * cmd_itm.c - glimpse itm: how well texts describe a picture, by BLIP, for scripts and tests.
 */
#include "blip_out.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* Texts of the command line, ready for the model. */
typedef struct texts {
    const char **words;
    glimpse_blip_text *matched; /* first token as chosen */
    float *features;            /* [count][E]; always from [CLS], as the reference does */
    int *truncated;
    size_t count;
} texts;

static int prepare_texts(const blip_session *b, texts *t, int first_token) {
    size_t joint = glimpse_blip_joint_width(b->model);
    t->matched = xcalloc(t->count, sizeof *t->matched);
    t->truncated = xcalloc(t->count, sizeof *t->truncated);
    t->features = xcalloc(t->count * joint, sizeof *t->features);
    for (size_t i = 0; i < t->count; i++) {
        glimpse_blip_text plain;
        int code = blip_encode(b, GLIMPSE_BLIP_TEXT_CLS, t->words[i], &plain, &t->truncated[i]);
        if (code != CLI_RUN) return code;
        int status = glimpse_blip_text_features(t->features + i * joint, b->worker, &plain, 1);
        blip_text_free(&plain);
        if (status < 0) return tool_fail_last();
        code = blip_encode(b, blip_first_role(first_token), t->words[i], &t->matched[i], NULL);
        if (code != CLI_RUN) return code;
    }
    return CLI_RUN;
}

static void free_texts(texts *t) {
    for (size_t i = 0; t->matched && i < t->count; i++)
        blip_text_free(&t->matched[i]);
    free(t->words);
    free(t->matched);
    free(t->truncated);
    free(t->features);
}

static void print_pair(const blip_session *b, const texts *t, size_t i, const char *path,
                       const glimpse_blip_image *image, const float logits[2]) {
    size_t joint = glimpse_blip_joint_width(b->model);
    const float *feature = glimpse_blip_image_feature(image);
    double cosine = 0;
    for (size_t j = 0; j < joint; j++)
        cosine += (double)feature[j] * (double)t->features[i * joint + j];
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    if (path) jout_path(&j, "image", path);
    jout_key(&j, "text"), jout_string(&j, t->words[i]);
    jout_key(&j, "itm_logits");
    jout_open(&j, '[');
    jout_number(&j, (double)logits[0]);
    jout_number(&j, (double)logits[1]);
    jout_close(&j, ']');
    jout_key(&j, "itm_probability"), jout_number(&j, glimpse_blip_probability(logits));
    jout_key(&j, "itc_cosine"), jout_number(&j, cosine);
    if (t->truncated[i]) jout_key(&j, "truncated"), jout_bool(&j, 1);
    jout_close(&j, '}');
    jout_end(&j);
}

/* CLI_RUN, EXIT_PARTIAL for a picture that cannot be used, EXIT_FAILED. */
static int match_picture(blip_session *b, const texts *t, const char *path, int name_it) {
    glimpse_blip_image *image = NULL;
    int code = blip_look(b, path, &image);
    if (code != CLI_RUN) return code;
    const glimpse_blip_image *one = image;
    float *logits = xcalloc(t->count * 2, sizeof *logits);
    if (glimpse_blip_match(logits, b->worker, &one, 1, t->matched, t->count) < 0) {
        code = tool_fail_last();
    }
    for (size_t i = 0; i < t->count && code == CLI_RUN; i++)
        print_pair(b, t, i, name_it ? path : NULL, image, logits + 2 * i);
    free(logits);
    glimpse_blip_image_free(image);
    return code;
}

static int run(int argc, char **argv) {
    blip_session b = {.model = NULL};
    texts t = {NULL, NULL, NULL, NULL, 0};
    cli_list pictures = {0}, listed = {0};
    int first_token = 0, json = 0, partial = 0;
    const cli_option options[] = {
        CLI_LIST("image", 'i', &pictures, "FILE", "the picture; may be repeated"),
        CLI_LIST("text", 't', &listed, "TEXT", "a text; may be repeated"),
        CLI_CHOICE("first-token", 0, &first_token, NULL,
                   "what stands first in a text for ITM: [CLS] as in transformers (default), or "
                   "[ENC] as salesforce/BLIP trained it",
                   blip_first_tokens),
        CLI_FLAG("json", 0, &json, "JSON, which is printed in any case"),
        BLIP_MODEL_OPTIONS(b),
        SESSION_QUIET_OPTION(b.base),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_itm, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(b.base.quiet);
    t.words = xcalloc(listed.count + arguments.count + 1, sizeof *t.words);
    for (size_t i = 0; i < listed.count; i++)
        t.words[t.count++] = listed.values[i];
    for (size_t i = 0; i < arguments.count; i++)
        t.words[t.count++] = arguments.words[i];
    if (pictures.count == 0) {
        code = cli_misuse(&cmd_itm, "which picture? --image FILE");
        goto done;
    }
    if (t.count == 0) {
        code = cli_misuse(&cmd_itm, "which text? --text TEXT");
        goto done;
    }
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.pictures = 1;
    if (t.count < limits.texts) limits.texts = t.count;
    if ((code = blip_open(&b, GLIMPSE_BLIP_MATCH)) != CLI_RUN) goto done;
    if ((code = blip_make_worker(&b, &limits)) != CLI_RUN) goto done;
    if ((code = prepare_texts(&b, &t, first_token)) != CLI_RUN) goto done;
    for (size_t i = 0; i < pictures.count; i++) {
        code = match_picture(&b, &t, pictures.values[i], pictures.count > 1);
        if (code == EXIT_FAILED) goto done;
        if (code == EXIT_PARTIAL) partial = 1;
    }
    code = partial ? EXIT_PARTIAL : EXIT_FOUND;
done:
    free_texts(&t);
    blip_close(&b);
    cli_list_free(&pictures);
    cli_list_free(&listed);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_itm = {
    "itm",
    "[TEXT...]",
    "how well texts describe a picture, by BLIP",
    "Image-text matching by a BlipForImageTextRetrieval model. Prints one JSON object per text, in "
    "order: {\"text\":...,\"itm_logits\":[no,yes],\"itm_probability\":...,\"itc_cosine\":...}. "
    "itm_probability is softmax(itm_logits)[yes], from reading the text with an eye on the "
    "picture; itc_cosine compares picture and text encoded apart, as CLIP does. With several "
    "pictures each object begins with \"image\". A text that was longer than the model reads has "
    "\"truncated\":true as well.\n\n"
    "Exit code 3 when a picture could not be used; the others are printed.",
    "  glimpse itm -m ./blip-itm-base-coco -i a.jpg --text \"a dog\" --text \"a cat\"\n"
    "  glimpse itm -m ./blip-itm-base-coco -i a.jpg --first-token enc \"a dog\"\n",
    run,
};
