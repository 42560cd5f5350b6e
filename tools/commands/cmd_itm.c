/*
 * cmd_itm.c - glimpse itm: how well texts describe a picture, by BLIP, for scripts and tests.
 */
#include "blip_out.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

typedef struct matching {
    blip_session blip;
    const char **words;
    size_t count;
    int name_pictures;
} matching;

static int print_record(void *user, const glimpse_blip_record *r) {
    matching *m = user;
    if (r->problem) {
        blip_report_problem(&m->blip, r);
        return 0;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    if (m->name_pictures) jout_path(&j, "image", r->path);
    jout_key(&j, "text"), jout_string(&j, r->text);
    jout_key(&j, "itm_logits");
    jout_open(&j, '[');
    jout_number(&j, (double)r->logits[0]);
    jout_number(&j, (double)r->logits[1]);
    jout_close(&j, ']');
    jout_key(&j, "itm_probability"), jout_number(&j, r->probability);
    jout_key(&j, "itc_cosine"), jout_number(&j, r->cosine);
    if (r->truncated) jout_key(&j, "truncated"), jout_bool(&j, 1);
    jout_close(&j, '}');
    jout_end(&j);
    return 0;
}

static int run(int argc, char **argv) {
    matching m = {.count = 0};
    cli_list pictures = {0}, listed = {0};
    int first_token = 0, json = 0;
    const cli_option options[] = {
        BLIP_PICTURES_OPTION(pictures),
        CLI_LIST("text", 't', &listed, "TEXT", "a text; may be repeated"),
        CLI_CHOICE("first-token", 0, &first_token, NULL,
                   "what stands first in a text for ITM: [CLS] as in transformers (default), or "
                   "[ENC] as salesforce/BLIP trained it",
                   blip_first_tokens),
        BLIP_JSON_OPTION(json),
        BLIP_MODEL_OPTIONS(m.blip),
        SESSION_QUIET_OPTION(m.blip.base),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_itm, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(m.blip.base.quiet);
    tool_only_prints();
    m.words = xcalloc(listed.count + arguments.count + 1, sizeof *m.words);
    for (size_t i = 0; i < listed.count; i++)
        m.words[m.count++] = listed.values[i];
    for (size_t i = 0; i < arguments.count; i++)
        m.words[m.count++] = arguments.words[i];
    if (pictures.count == 0) {
        code = cli_misuse(&cmd_itm, "which picture? --image FILE");
        goto done;
    }
    if (m.count == 0) {
        code = cli_misuse(&cmd_itm, "which text? --text TEXT");
        goto done;
    }
    if ((code = blip_open(&m.blip, GLIMPSE_BLIP_MATCH)) != CLI_RUN) goto done;
    m.blip.options.role = blip_first_role(first_token);
    m.name_pictures = pictures.count > 1;
    code = blip_finish(&m.blip, glimpse_session_blip_match(m.blip.base.base, pictures.values,
                                                           pictures.count, m.words, m.count,
                                                           &m.blip.options, print_record, &m));
done:
    free(m.words);
    blip_close(&m.blip);
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
