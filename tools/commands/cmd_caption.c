/*
 * cmd_caption.c - glimpse caption: what pictures show, in words.
 *
 * Two ways in one command. Picture files and a BLIP model: here, with the tokens and scores of each
 * caption (glimpse_session_blip_caption). Everything else (directories, libraries, styles, remote
 * models): caption_many.c.
 */
#include "blip_out.h"
#include "caption_many.h"
#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct captioning {
    blip_session blip;
    glimpse_blip_generation how;
    int json, all;
    size_t total; /* pictures */
} captioning;

static void print_caption(const captioning *c, const char *path,
                          const glimpse_blip_result *result) {
    const glimpse_blip_sequence *best = glimpse_blip_result_get(result, 0);
    if (!c->json) {
        char *shown = text_display(path), *caption = text_display(best->text);
        (void)printf("%s\t%s\n", shown, caption);
        free(shown);
        free(caption);
        return;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", path);
    blip_print_sequence(&j, "caption", best);
    if (c->all) blip_print_all(&j, "caption", result);
    jout_close(&j, '}');
    jout_end(&j);
}

/* A picture that has no caption is still one object, so that none is lost in a pipe. */
static void print_failure(const captioning *c, const char *path, const char *problem) {
    if (!c->json) return;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", path);
    jout_key(&j, "caption"), jout_null(&j);
    jout_key(&j, "error"), jout_string(&j, problem);
    jout_close(&j, '}');
    jout_end(&j);
}

static int print_record(void *user, const glimpse_blip_record *record) {
    captioning *c = user;
    progress_clear();
    if (record->problem) {
        blip_report_problem(&c->blip, record);
        print_failure(c, record->path, record->problem);
    } else {
        print_caption(c, record->path, record->result);
    }
    if (c->json || record->picture + 1 < c->total) tool_flush();
    return 0;
}

static int caption_all(captioning *c, const char *const *paths, const char *prompt) {
    glimpse_session_blip_options *o = &c->blip.options;
    o->generation = &c->how;
    o->prompt = prompt;
    o->progress = session_show_progress;
    o->cancelled = session_cancelled;
    tool_catch_stop();
    return blip_finish(&c->blip, glimpse_session_blip_caption(c->blip.base.base, paths, c->total, o,
                                                              print_record, c));
}

static int open_all(captioning *c, const blip_choices *choices, const char *prompt) {
    int code = blip_open(&c->blip, GLIMPSE_BLIP_CAPTION);
    if (code != CLI_RUN) return code;
    code = blip_generation(&cmd_caption, &c->blip, choices, &c->how);
    if (code != CLI_RUN) return code;
    size_t tokens = 0;
    if (prompt) {
        code = blip_prompt_tokens(&c->blip, prompt, &tokens);
        if (code != CLI_RUN) return code;
        if (tokens >= c->how.max_length) {
            return cli_misuse(&cmd_caption,
                              "the prompt is %zu tokens, which leaves nothing to write within "
                              "--max-length %zu",
                              tokens, c->how.max_length);
        }
    }
    return CLI_RUN;
}

/* "--library" with nothing behind it is the whole library: taken out of `argv`. */
static int use_bare_library(int *argc, char **argv) {
    int found = 0, kept = 1;
    for (int i = 1; i < *argc; i++) {
        int bare = strcmp(argv[i], "--library") == 0 && (i + 1 == *argc || argv[i + 1][0] == '-');
        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        if (bare) {
            found = 1;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return found;
}

static int is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Is it more than files and a BLIP model? */
static int is_wide(const caption_request *o, const vlm_session *v, const session *s,
                   const cli_arguments *arguments) {
    int wide = o->style >= 0 || o->store || o->missing || o->stored || o->whole ||
               filters_are_given(&o->filters) || o->out || o->format > 0 || o->xmp ||
               o->relative_to || s->library_option || v->dry_run || v->refresh || v->second_spec ||
               v->max_cost >= 0 || v->samples > 0 || v->max_tokens > 0;
    if (s->model_option ? glimpse_vlm_spec_is_remote(s->model_option)
                        : glimpse_session_vlm_default_is_remote(s->base))
        wide = 1;
    for (size_t i = 0; i < arguments->count && !wide; i++)
        wide = is_directory(arguments->words[i]);
    return wide;
}

static int run_wide(caption_request *o, vlm_session *v, captioning *c, const blip_choices *choices,
                    const char *prompt, const cli_arguments *arguments) {
    session *s = &c->blip.base;
    if (c->all || choices->sample) {
        return cli_misuse(&cmd_caption, "--%s goes with picture files and a BLIP model only",
                          c->all ? "all" : "sample");
    }
    if (o->style < 0) o->style = GLIMPSE_CAPTION_SHORT;
    if (arguments->count == 0 && s->library_option) o->whole = 1;
    o->begin = prompt;
    o->beams = choices->beams;
    o->max_tokens = choices->max_length;
    o->min_tokens = choices->min_length == BLIP_NOT_SAID ? 0 : choices->min_length;
    v->spec = s->model_option;
    if (c->json && o->format == 0 && !o->out) o->format = 1 + GLIMPSE_CAPTION_JSONL;
    int code = caption_many_check(o, &cmd_caption, arguments->count);
    o->filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    if (code == CLI_RUN) code = filters_read(&o->filters, &o->filter, &cmd_caption);
    return code != CLI_RUN ? code : caption_many(o, s, v, arguments->words, arguments->count);
}

static int run(int argc, char **argv) {
    captioning c = {.json = 0};
    blip_choices choices = BLIP_CHOICES_INIT;
    caption_request wide = {.style = -1};
    vlm_session v = VLM_SESSION_INIT;
    const char *prompt = NULL;
    const cli_option options[] = {
        OPTION_JSON(c.json, "print one JSON object per picture"),
        CLI_FLAG("all", 0, &c.all, "with --json: all beams, best first, as \"beams\""),
        CLI_TEXT("prompt", 0, &prompt, "TEXT", "what the caption begins with"),
        CAPTION_MANY_OPTIONS(wide),
        SESSION_LIBRARY_OPTION(c.blip.base),
        BLIP_GENERATION_OPTIONS(choices),
        CLI_HEADING("Model"),
        BLIP_MODEL_OPTIONS(c.blip),
        SESSION_QUIET_OPTION(c.blip.base),
        SESSION_NICE_OPTION(c.blip.base),
        VLM_SESSION_OPTIONS(v),
        CLI_END,
    };
    cli_arguments arguments = {0};
    wide.whole = use_bare_library(&argc, argv);
    int code = cli_parse(&cmd_caption, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(c.blip.base.quiet);
    c.total = arguments.count;
    code = session_begin(&c.blip.base, 0);
    if (code != CLI_RUN) {
        /* said already */
    } else if (is_wide(&wide, &v, &c.blip.base, &arguments)) {
        code = run_wide(&wide, &v, &c, &choices, prompt, &arguments);
    } else if (arguments.count == 0) {
        code = cli_misuse(&cmd_caption, "which pictures? FILES, folders, or --library");
    } else if ((code = open_all(&c, &choices, prompt)) == CLI_RUN) {
        tool_only_prints();
        code = caption_all(&c, arguments.words, prompt);
    }
    blip_close(&c.blip);
    cli_list_free(&wide.exclude);
    filters_free(&wide.filters);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_caption = {
    "caption",
    "PATH... | --library",
    "what pictures show, in words",
    "Describes pictures: files, folders, or (--library) all that a library knows. Prints PATH, a "
    "tab and the caption, or writes a file (--out). --store keeps the captions in the library, for "
    "glimpse search --captions. A run that was stopped goes on from there when it is started "
    "again, "
    "and nothing is asked twice; but picture files alone and a BLIP model are decoded and "
    "described "
    "anew. --style alt --out alt.json writes {\"path\": \"alt\"}.\n\n"
    "The model is a BlipForConditionalGeneration folder, or a remote one ({remote names}). "
    "For picture files and a BLIP model, --json prints one object per "
    "picture with its tokens: "
    "{\"path\":...,\"caption\":...,\"ids\":[...],\"sum_logprob\":...,\"score\":...}. ids begin "
    "with "
    "the start token and the prompt; score is the log-probability of the tokens that were written "
    "(the end token included), divided by their number.\n\n"
    "A picture that cannot be used is named on stderr, with --json also as "
    "{\"path\":...,\"caption\":null,\"error\":...}; the exit code is then 3.",
    "  glimpse caption --library --store\n"
    "  glimpse caption site/images --style alt --out alt.json\n"
    "  glimpse caption ~/Pictures --style keywords --xmp -m openai:gpt-4o-mini\n"
    "  glimpse caption --library --stored --out captions.csv\n"
    "  glimpse caption --library --where \"rating >= 4 and not has(caption)\" --store\n"
    "  glimpse caption -m ./blip-image-captioning-base *.jpg\n"
    "  glimpse caption -m ./blip-image-captioning-base --beams 3 --json a.jpg\n"
    "  glimpse caption -m ./blip-image-captioning-base --prompt \"a photo of\" a.jpg\n"
    "  glimpse caption -m ./blip-image-captioning-base --sample --top-p 0.9 a.jpg\n",
    run,
};
