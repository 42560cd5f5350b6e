/*
 * vlm_session.c - see vlm_session.h.
 */
#include "vlm_session.h"

#include "known.h"
#include "memory.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_PROMPT_BYTES = 1 << 20, SPEC_BYTES = 4096 };

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* malloc'ed ${XDG_CONFIG_HOME:-~/.config}/glimpse/NAME; NULL without a home. */
static char *config_file(const char *name) {
    const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    if (config && config[0] == '/') return xprintf("%s/glimpse/%s", config, name);
    if (home) return xprintf("%s/.config/glimpse/%s", home, name);
    return NULL;
}

static int is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A spec as the library wants it: names of folders made paths. NULL after a message. */
static char *resolve(const char *name, const char *said_by) {
    if (!*name) {
        char *known = known_fill("{remote models}");
        (void)tool_fail("%s is empty; give a folder, %s", said_by, known);
        free(known);
        return NULL;
    }
    if (glimpse_vlm_spec_is_remote(name) || is_folder(name)) return xstrdup(name);
    char *models = session_models_folder();
    if (models && name[0] != '/' && name[0] != '.' && !strstr(name, "/../")) {
        char *path = xprintf("%s/%s", models, name);
        if (is_folder(path)) {
            free(models);
            return path;
        }
        free(path);
    }
    char *known = known_fill("{remote models}");
    (void)tool_fail("there is no model %s: neither a folder%s%s, nor one of %s", name,
                    models ? " here or in " : "", models ? models : "", known);
    free(known);
    free(models);
    return NULL;
}

char *vlm_choose(const char *chosen, const char *part) {
    char spec[SPEC_BYTES];
    if (chosen && *chosen) return resolve(chosen, "the model");
    const char *variable = environment("GLIMPSE_VLM");
    if (variable) return resolve(variable, "GLIMPSE_VLM");
    if (glimpse_vlm_default_spec(spec, sizeof spec, NULL) < 0) {
        (void)tool_fail_last();
        return NULL;
    }
    if (*spec) return resolve(spec, "\"model\" in the configuration file");
    char *demo = session_demo_vlm(part ? part : "vqa");
    if (demo) {
        tool_note("no vision-language model was chosen, using the demo model, which knows only the "
                  "world of the demo pictures (choose another with GLIMPSE_VLM)");
        return demo;
    }
    char *known = known_fill("{remote models}");
    (void)tool_fail("no vision-language model was chosen; name one, set GLIMPSE_VLM, or put "
                    "{\"model\": ...} into the configuration file: a BLIP folder, %s",
                    known);
    free(known);
    return NULL;
}

int vlm_default_is_remote(void) {
    char spec[SPEC_BYTES];
    const char *variable = environment("GLIMPSE_VLM");
    if (variable) return glimpse_vlm_spec_is_remote(variable);
    return glimpse_vlm_default_spec(spec, sizeof spec, NULL) == GLIMPSE_OK &&
           glimpse_vlm_spec_is_remote(spec);
}

static int stopped(void *user) {
    (void)user;
    return tool_stopped();
}

static int open_model(glimpse_vlm **out, const char *spec, const vlm_session *v, const session *s,
                      double max_cost) {
    char *prices = session_shipped_data("prices.json"), *own = config_file("prices.json");
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.prices = prices;
    options.own_prices = own;
    options.concurrency = (unsigned)v->jobs;
    options.requests_per_minute = v->requests_per_minute;
    options.tokens_per_minute = v->tokens_per_minute;
    options.timeout = v->timeout;
    options.max_cost = max_cost;
    options.dry_run = v->dry_run;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    int status = glimpse_vlm_open(out, spec, &options);
    free(prices);
    free(own);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

static int open_answers(vlm_session *v, session *s) {
    if (v->no_cache) return CLI_RUN;
    int status = s->library ? glimpse_response_cache_open_library(&v->answers, s->library)
                            : glimpse_response_cache_open(&v->answers, NULL);
    if (status < 0 && glimpse_vlm_is_remote(v->vlm)) {
        (void)tool_fail_last();
        return tool_fail("answers cannot be kept; with --no-cache they are asked for, and paid "
                         "for, every time");
    }
    if (status < 0) return CLI_RUN; /* a native model's answers cost only time */
    v->run.cache = glimpse_response_cache_calls(v->answers);
    return CLI_RUN;
}

static int check(const vlm_session *v) {
    if (v->second_spec && !(v->escalate_below >= 0.0 && v->escalate_below <= 1.0)) {
        return tool_fail("--escalate-below is a share from 0 to 1, not %g", v->escalate_below);
    }
    if (!v->second_spec && v->escalate_below > 0.0) {
        return tool_fail("--escalate-below needs the model to ask then: --escalate MODEL");
    }
    return CLI_RUN;
}

int vlm_session_open(vlm_session *v, session *s) {
    int code = check(v);
    if (code != CLI_RUN) return code;
    v->run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    v->run.refresh = v->refresh;
    v->run.dry_run = v->dry_run;
    v->run.cancelled = stopped;
    char *spec = vlm_choose(v->spec, v->part);
    if (!spec) return EXIT_FAILED;
    /* With two tiers the limit is shared half and half: neither can know what the other spends. */
    double max_cost = v->max_cost >= 0.0 && v->second_spec ? v->max_cost / 2.0 : v->max_cost;
    code = open_model(&v->vlm, spec, v, s, max_cost);
    free(spec);
    if (code == CLI_RUN && v->second_spec) {
        spec = resolve(v->second_spec, "--escalate");
        code = spec ? open_model(&v->second, spec, v, s, max_cost) : EXIT_FAILED;
        free(spec);
        v->run.second = v->second;
        v->run.escalate_below = v->escalate_below > 0.0 ? v->escalate_below : 0.7;
    }
    if (code == CLI_RUN) code = open_answers(v, s);
    return code;
}

void vlm_session_close(vlm_session *v) {
    glimpse_response_cache_close(v->answers);
    glimpse_vlm_close(v->second);
    glimpse_vlm_close(v->vlm);
    v->answers = NULL;
    v->second = v->vlm = NULL;
}

/* malloc'ed text of the file; NULL after a message. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        (void)tool_fail("%s: cannot open", path);
        return NULL;
    }
    char *text = xmalloc(MOST_PROMPT_BYTES + 1);
    size_t size = fread(text, 1, MOST_PROMPT_BYTES + 1, file);
    int failed = ferror(file);
    (void)fclose(file);
    if (failed || size > MOST_PROMPT_BYTES || memchr(text, '\0', size)) {
        (void)tool_fail("%s: %s", path,
                        failed                     ? "cannot read"
                        : size > MOST_PROMPT_BYTES ? "a prompt of more than 1 MiB"
                                                   : "not a text: there is a NUL byte in it");
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

char *vlm_session_prompt(const char *name, const char *text) {
    char *relative = xprintf("prompts/%s.txt", name), *own = config_file(relative);
    char *path =
        own && access(own, F_OK) == 0 ? xstrdup(own) : session_shipped_file("prompts", name);
    free(relative);
    free(own);
    if (!path) {
        (void)tool_fail("the prompt %s is not installed (data/prompts/%s.txt)", name, name);
        return NULL;
    }
    char *template = read_text(path), *filled = NULL;
    if (template && glimpse_vlm_fill(&filled, template, text) < 0) (void)tool_fail_last();
    char *prompt = filled ? xstrdup(filled) : NULL;
    glimpse_free(filled);
    free(template);
    free(path);
    return prompt;
}

void vlm_session_note_totals(const vlm_session *v, const glimpse_vlm_totals *t) {
    char money[64] = "";
    if (!glimpse_vlm_is_remote(v->vlm) && !(v->second && glimpse_vlm_is_remote(v->second))) return;
    if (t->unpriced == 0) {
        const char *currency = glimpse_vlm_currency(v->vlm);
        (void)snprintf(money, sizeof money, ", %s%.4f%s%s", v->dry_run ? "about " : "cost ",
                       t->cost, *currency ? " " : "", currency);
    } else {
        (void)snprintf(money, sizeof money, ", price not known");
    }
    if (v->dry_run) {
        tool_note("dry run: %llu of %llu would be asked (%llu are in the cache), about %llu tokens "
                  "in, at most %llu out%s",
                  (unsigned long long)t->not_sent, (unsigned long long)t->asked,
                  (unsigned long long)t->cached, (unsigned long long)t->tokens_in,
                  (unsigned long long)t->tokens_out, money);
        return;
    }
    tool_note("%llu answered (%llu from the cache, %llu by the second model), %llu refused, %llu "
              "cannot tell, %llu failed, %llu not sent; %llu requests, %llu tokens in, %llu out%s",
              (unsigned long long)t->answered, (unsigned long long)t->cached,
              (unsigned long long)t->escalated, (unsigned long long)t->refused,
              (unsigned long long)t->cannot_tell, (unsigned long long)t->failed,
              (unsigned long long)t->not_sent, (unsigned long long)t->requests,
              (unsigned long long)t->tokens_in, (unsigned long long)t->tokens_out, money);
}
