/*
 * session_vlm.c - which vision-language model a call asks, its prompts, its response cache.
 *
 * A model is opened once for equal settings, because opening a native one takes seconds and because
 * limits and money are counted in it. Those in use stay; of the others the last KEPT do. An entry
 * is lent under the lock, and the list changes only with `vlm_opening` held as well.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/file.h"
#include "core/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT = 8, MAX_KNOWN_BYTES = 512, MAX_SPEC_BYTES = 4096, MAX_PROMPT_BYTES = 1 << 20 };

static const double DEFAULT_ESCALATE_BELOW = 0.7;

struct session_vlm_entry {
    char *spec, *second_spec;      /* resolved; second_spec NULL: one tier */
    glimpse_vlm_settings settings; /* its numbers; the strings are not used */
    glimpse_vlm *vlm, *second;
    size_t users;
};

/*
 * Which one.
 */
/* "openai:MODEL, anthropic:MODEL, gemini:MODEL or endpoint:URL" into `text`, for messages. */
static const char *remote_models(char *text, size_t size) {
    size_t count = 0, done = 0, used = 0;
    for (size_t i = 0; glimpse_vlm_provider_get(i); i++)
        count += glimpse_vlm_provider_get(i)->remote != 0;
    text[0] = '\0';
    for (size_t i = 0; done < count && used < size; i++) {
        const glimpse_vlm_provider *provider = glimpse_vlm_provider_get(i);
        if (!provider->remote) continue;
        const char *before = done == 0 ? "" : done + 1 == count ? " or " : ", ";
        int length = snprintf(text + used, size - used, "%s%s", before, provider->spec);
        used += length > 0 ? (size_t)length : 0;
        done++;
    }
    return text;
}

/* A spec as glimpse_vlm_open wants it: names of directories made paths. */
static int resolve(char **out, glimpse_session *session, const char *name, const char *named_by) {
    const char *models = session->places.models;
    char known[MAX_KNOWN_BYTES];
    *out = NULL;
    if (!*name) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s is empty; give a folder, %s", named_by,
                            remote_models(known, sizeof known));
    }
    if (glimpse_vlm_spec_is_remote(name)) {
        *out = strdup(name);
        return *out ? GLIMPSE_OK : glimpse_fail_nomem(strlen(name), "a spec");
    }
    *out = glimpse_places_directory(&session->places, name);
    if (*out) return GLIMPSE_OK;
    if (models && name[0] != '/' && name[0] != '.' && !strstr(name, "/../")) {
        char *path = glimpse_session_format("%s/%s", models, name);
        if (path && glimpse_places_is_directory(path)) {
            *out = path;
            return GLIMPSE_OK;
        }
        free(path);
    }
    const char *pulled = NULL;
    int status = glimpse_session_pulled_path(out, &pulled, session, name);
    if (status < 0 || *out) return status;
    if (pulled) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "the model %s is not installed; %s installs it",
                            name, glimpse_wording("glimpse_session_open_pull", pulled));
    }
    char nearest[SESSION_NAME_BYTES];
    glimpse_session_nearest_model(nearest, session, name);
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "there is no model %s: neither a folder%s%s, nor one of %s%s%s%s", name,
                        models ? " here or in " : "", models ? models : "",
                        remote_models(known, sizeof known), *nearest ? "; did you mean " : "",
                        nearest, *nearest ? "?" : "");
}

/* Once a session is enough. */
static void note_demo(glimpse_session *session) {
    (void)pthread_mutex_lock(&session->lock);
    int noted = session->demo_vlm_noted;
    session->demo_vlm_noted = 1;
    (void)pthread_mutex_unlock(&session->lock);
    if (noted) return;
    glimpse_session_note(session, "no vision-language model was chosen, using the demo model, "
                                  "which knows only the world of the demo pictures (choose "
                                  "another with GLIMPSE_VLM)");
}

int glimpse_session_choose_vlm(char **out, glimpse_session *session, const char *chosen,
                               const char *part) {
    char spec[MAX_SPEC_BYTES], known[MAX_KNOWN_BYTES];
    *out = NULL;
    if (chosen && *chosen) return resolve(out, session, chosen, "the model");
    if (session->vlm_variable) return resolve(out, session, session->vlm_variable, "GLIMPSE_VLM");
    int status = glimpse_vlm_default_spec(spec, sizeof spec, NULL);
    if (status != GLIMPSE_OK) return status;
    if (*spec) return resolve(out, session, spec, "\"model\" in the configuration file");
    char *relative = glimpse_session_format("models/demo-vlm/%s", part ? part : "vqa");
    if (relative) *out = glimpse_places_shipped_model(&session->places, relative);
    free(relative);
    if (!*out) {
        return glimpse_fail(
            GLIMPSE_E_NOT_FOUND,
            "no vision-language model was chosen; name one, set GLIMPSE_VLM, or put "
            "{\"model\": ...} into the configuration file: a BLIP folder, %s",
            remote_models(known, sizeof known));
    }
    note_demo(session);
    return GLIMPSE_OK;
}

int glimpse_session_vlm_spec(const char **spec, glimpse_session *session, const char *chosen,
                             const char *part) {
    char *found = NULL;
    if (spec) *spec = NULL;
    if (!spec || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_vlm_spec: a NULL argument");
    }
    int status = glimpse_session_choose_vlm(&found, session, chosen, part);
    return status < 0 ? status : glimpse_session_keep_string(spec, session, found);
}

int glimpse_session_vlm_is_chosen(const char **spec, char *buffer, size_t size,
                                  const glimpse_session *session,
                                  const glimpse_vlm_settings *settings) {
    const char *named =
        settings && settings->spec && *settings->spec ? settings->spec : session->vlm_variable;
    if (!named) {
        int status = glimpse_vlm_default_spec(buffer, size, NULL);
        if (status != GLIMPSE_OK) return status;
        if (*buffer) named = buffer;
    }
    if (spec) *spec = named;
    return named != NULL;
}

int glimpse_session_vlm_default_is_remote(glimpse_session *session) {
    char spec[MAX_SPEC_BYTES];
    if (session && session->vlm_variable) return glimpse_vlm_spec_is_remote(session->vlm_variable);
    return glimpse_vlm_default_spec(spec, sizeof spec, NULL) == GLIMPSE_OK &&
           glimpse_vlm_spec_is_remote(spec);
}

/*
 * Opening it.
 */
static int check_settings(const glimpse_vlm_settings *s) {
    if (s->second_spec && !(s->escalate_below >= 0.0 && s->escalate_below <= 1.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s is a share from 0 to 1, not %g",
                            glimpse_wording("settings.escalate_below", NULL), s->escalate_below);
    }
    if (!s->second_spec && s->escalate_below > 0.0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s needs the model to ask then: %s",
                            glimpse_wording("settings.escalate_below", NULL),
                            glimpse_wording("settings.second_spec", "MODEL"));
    }
    return GLIMPSE_OK;
}

static int open_model(glimpse_vlm **out, const glimpse_session *session, const char *spec,
                      const glimpse_vlm_settings *s, double max_cost) {
    const char *config = session->places.user_config;
    char *prices = glimpse_places_shipped(&session->places, "prices.json");
    char *own = config ? glimpse_session_format("%s/prices.json", config) : NULL;
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.prices = prices;
    options.own_prices = own;
    options.concurrency = s->jobs;
    options.requests_per_minute = s->requests_per_minute;
    options.tokens_per_minute = s->tokens_per_minute;
    options.timeout = s->timeout;
    options.max_cost = max_cost;
    options.dry_run = s->dry_run;
    options.precision = session->precision;
    options.backend = session->backend;
    int status = glimpse_vlm_open(out, spec, &options);
    free(prices);
    free(own);
    return status;
}

static void close_entry(session_vlm_entry *entry) {
    if (!entry) return;
    glimpse_vlm_close(entry->second);
    glimpse_vlm_close(entry->vlm);
    free(entry->spec);
    free(entry->second_spec);
    free(entry);
}

/* NaN is itself here. */
static int equal_numbers(double a, double b) {
    uint64_t bits[2];
    memcpy(&bits[0], &a, sizeof a);
    memcpy(&bits[1], &b, sizeof b);
    return bits[0] == bits[1];
}

/* What is counted or set when a model is opened. */
static int fits(const session_vlm_entry *entry, const char *spec, const char *second_spec,
                const glimpse_vlm_settings *s) {
    const glimpse_vlm_settings *have = &entry->settings;
    if (strcmp(entry->spec, spec) != 0 || !entry->second_spec != !second_spec) return 0;
    if (second_spec && strcmp(entry->second_spec, second_spec) != 0) return 0;
    return equal_numbers(have->max_cost, s->max_cost) &&
           equal_numbers(have->requests_per_minute, s->requests_per_minute) &&
           equal_numbers(have->tokens_per_minute, s->tokens_per_minute) &&
           equal_numbers(have->timeout, s->timeout) && have->jobs == s->jobs &&
           have->dry_run == s->dry_run;
}

/* An entry that fits, lent; NULL when there is none. */
static session_vlm_entry *borrow(glimpse_session *session, const char *spec,
                                 const char *second_spec, const glimpse_vlm_settings *s) {
    session_vlm_entry *found = NULL;
    (void)pthread_mutex_lock(&session->lock);
    session_list *all = &session->vlms;
    for (size_t i = all->count; i-- > 0 && !found;) {
        if (!fits(all->items[i], spec, second_spec, s)) continue;
        found = all->items[i];
        found->users++;
        memmove(&all->items[i], &all->items[i + 1], (all->count - 1 - i) * sizeof *all->items);
        all->items[all->count - 1] = found;
    }
    (void)pthread_mutex_unlock(&session->lock);
    return found;
}

/* The one that was used longest ago and is idle, taken off the list when there are many. */
static session_vlm_entry *absorb_surplus(glimpse_session *session) {
    session_vlm_entry *surplus = NULL;
    (void)pthread_mutex_lock(&session->lock);
    session_list *all = &session->vlms;
    for (size_t i = 0; i < all->count && all->count > KEPT && !surplus; i++) {
        session_vlm_entry *entry = all->items[i];
        if (entry->users > 0) continue;
        surplus = entry;
        all->count--;
        memmove(&all->items[i], &all->items[i + 1], (all->count - i) * sizeof *all->items);
    }
    (void)pthread_mutex_unlock(&session->lock);
    return surplus;
}

/* With `vlm_opening` held; the strings are taken over. */
static int add_entry(session_vlm_entry **out, glimpse_session *session, char *spec, char *second,
                     const glimpse_vlm_settings *s) {
    session_vlm_entry *entry = calloc(1, sizeof *entry);
    *out = NULL;
    if (!entry) {
        free(spec);
        free(second);
        return glimpse_fail_nomem(sizeof *entry, "a vision-language model");
    }
    entry->spec = spec;
    entry->second_spec = second;
    entry->settings = *s;
    entry->users = 1;
    /* With two tiers the limit is shared half and half: neither can know what the other spends. */
    double max_cost = s->max_cost >= 0.0 && second ? s->max_cost / 2.0 : s->max_cost;
    int status = open_model(&entry->vlm, session, spec, s, max_cost);
    if (status == GLIMPSE_OK && second) {
        status = open_model(&entry->second, session, second, s, max_cost);
    }
    if (status == GLIMPSE_OK) {
        (void)pthread_mutex_lock(&session->lock);
        status = glimpse_session_list_add(&session->vlms, entry);
        (void)pthread_mutex_unlock(&session->lock);
    }
    if (status != GLIMPSE_OK) {
        close_entry(entry);
        return status;
    }
    *out = entry;
    close_entry(absorb_surplus(session));
    return GLIMPSE_OK;
}

static int acquire_entry(session_vlm_entry **out, glimpse_session *session,
                         const glimpse_vlm_settings *s, const char *part) {
    char *spec = NULL, *second = NULL;
    *out = NULL;
    int status = check_settings(s);
    if (status != GLIMPSE_OK) return status;
    (void)pthread_mutex_lock(&session->vlm_opening);
    status = glimpse_session_choose_vlm(&spec, session, s->spec, part);
    if (status == GLIMPSE_OK && s->second_spec) {
        status = resolve(&second, session, s->second_spec,
                         glimpse_wording("settings.second_spec", NULL));
    }
    if (status == GLIMPSE_OK) *out = borrow(session, spec, second, s);
    if (status < 0 || *out) {
        free(spec);
        free(second);
    } else {
        status = add_entry(out, session, spec, second, s);
    }
    (void)pthread_mutex_unlock(&session->vlm_opening);
    return status;
}

static void release_entry(glimpse_session *session, session_vlm_entry *entry) {
    (void)pthread_mutex_lock(&session->lock);
    entry->users--;
    (void)pthread_mutex_unlock(&session->lock);
}

void glimpse_session_close_vlms(glimpse_session *session) {
    for (size_t i = 0; i < session->vlms.count; i++)
        close_entry(session->vlms.items[i]);
    free(session->vlms.items);
    session->vlms = (session_list){0};
}

int glimpse_session_vlm(glimpse_vlm **vlm, glimpse_vlm **second, glimpse_session *session,
                        const glimpse_vlm_settings *settings, const char *part) {
    glimpse_vlm_settings own = GLIMPSE_VLM_SETTINGS_INIT;
    session_vlm_entry *entry = NULL;
    if (vlm) *vlm = NULL;
    if (second) *second = NULL;
    if (!vlm || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_vlm: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, settings, glimpse_vlm_settings, no_cache);
    if (status == GLIMPSE_OK) status = acquire_entry(&entry, session, &own, part);
    if (status != GLIMPSE_OK) return status;
    *vlm = entry->vlm; /* lent until the end: it is never released */
    if (second) *second = entry->second;
    return GLIMPSE_OK;
}

/*
 * What a call works with.
 */
static int open_responses(session_vlm *v, glimpse_library *library) {
    if (v->settings.no_cache) return GLIMPSE_OK;
    const glimpse_kept_error before = glimpse_error_keep();
    int status = library ? glimpse_response_cache_open_library(&v->responses, library)
                         : glimpse_response_cache_open(&v->responses, NULL);
    if (status < 0 && glimpse_vlm_is_remote(v->vlm)) {
        return glimpse_fail_context(status,
                                    "answers cannot be kept; with %s they are "
                                    "asked for, and paid for, every time",
                                    glimpse_wording("settings.no_cache", NULL));
    }
    if (status < 0) { /* a native model's answers cost only time */
        glimpse_error_restore(&before);
        return GLIMPSE_OK;
    }
    v->run.cache = glimpse_response_cache_calls(v->responses);
    return GLIMPSE_OK;
}

int glimpse_session_acquire_vlm(session_vlm *out, glimpse_session *session,
                                const glimpse_vlm_settings *settings, const char *part,
                                glimpse_library *library, const session_control *control) {
    session_vlm_entry *entry = NULL;
    *out = (session_vlm){.settings = GLIMPSE_VLM_SETTINGS_INIT};
    int status = GLIMPSE_OPTIONS_LOAD(&out->settings, settings, glimpse_vlm_settings, no_cache);
    if (status == GLIMPSE_OK) status = acquire_entry(&entry, session, &out->settings, part);
    if (status != GLIMPSE_OK) return status;
    out->session = session;
    out->entry = entry;
    out->vlm = entry->vlm;
    out->second = entry->second;
    out->run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    out->run.refresh = out->settings.refresh;
    out->run.dry_run = out->settings.dry_run;
    if (entry->second) {
        out->run.second = entry->second;
        out->run.escalate_below = out->settings.escalate_below > 0.0 ? out->settings.escalate_below
                                                                     : DEFAULT_ESCALATE_BELOW;
    }
    if (control) {
        out->run.cancelled = control->cancelled;
        out->run.user = control->user;
    }
    status = open_responses(out, library);
    if (status < 0) glimpse_session_release_vlm(out);
    return status;
}

void glimpse_session_release_vlm(session_vlm *vlm) {
    glimpse_response_cache_close(vlm->responses);
    if (vlm->entry) release_entry(vlm->session, vlm->entry);
    *vlm = (session_vlm){0};
}

glimpse_vlm_use glimpse_session_vlm_use(const session_vlm *vlm, const glimpse_vlm_totals *totals) {
    glimpse_vlm_use use = {0};
    use.name = glimpse_vlm_name(vlm->vlm);
    use.currency = glimpse_vlm_currency(vlm->vlm);
    use.remote =
        glimpse_vlm_is_remote(vlm->vlm) || (vlm->second && glimpse_vlm_is_remote(vlm->second));
    use.dry_run = vlm->settings.dry_run;
    use.totals = *totals;
    use.address = glimpse_vlm_address(vlm->vlm);
    use.prices_as_of = glimpse_vlm_prices_as_of(vlm->vlm, &use.prices_are_old);
    return use;
}

int glimpse_session_keep_use(glimpse_vlm_use *use, const session_vlm *vlm,
                             const glimpse_vlm_totals *totals) {
    *use = glimpse_session_vlm_use(vlm, totals);
    int status = glimpse_session_keep_string(&use->name, vlm->session, strdup(use->name));
    if (status != GLIMPSE_OK) return status;
    status = glimpse_session_keep_string(&use->currency, vlm->session, strdup(use->currency));
    if (status != GLIMPSE_OK) return status;
    status = glimpse_session_keep_string(&use->address, vlm->session, strdup(use->address));
    if (status != GLIMPSE_OK) return status;
    return glimpse_session_keep_string(&use->prices_as_of, vlm->session, strdup(use->prices_as_of));
}

int glimpse_session_keep_use_of(glimpse_vlm_use *use, const session_vlm *vlm,
                                const glimpse_vlm_answer *answer) {
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    uint64_t *const outcomes[] = {[GLIMPSE_VLM_ANSWERED] = &totals.answered,
                                  [GLIMPSE_VLM_REFUSED] = &totals.refused,
                                  [GLIMPSE_VLM_CANNOT_TELL] = &totals.cannot_tell,
                                  [GLIMPSE_VLM_FAILED] = &totals.failed,
                                  [GLIMPSE_VLM_NOT_SENT] = &totals.not_sent};
    totals.asked = 1;
    *outcomes[answer->outcome] = 1;
    totals.cached = answer->cached != 0;
    totals.incomplete = answer->incomplete != 0;
    totals.escalated = answer->escalated != 0;
    totals.requests = answer->requests;
    totals.tokens_in = answer->tokens_in;
    totals.tokens_out = answer->tokens_out;
    if (answer->cost >= 0.0) totals.cost = answer->cost;
    totals.unpriced = answer->cost < 0.0;
    return glimpse_session_keep_use(use, vlm, &totals);
}

/*
 * Prompts.
 */
static int read_prompt(char **out, const char *path) {
    void *bytes = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&bytes, &size, path, MAX_PROMPT_BYTES);
    if (status == GLIMPSE_E_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: a prompt of more than 1 MiB", path);
    }
    if (status != GLIMPSE_OK) return status;
    if (memchr(bytes, '\0', size)) {
        free(bytes);
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: not a text: there is a NUL byte in it", path);
    }
    *out = bytes;
    return GLIMPSE_OK;
}

int glimpse_session_prompt(char **out, glimpse_session *session, const char *name,
                           const char *text) {
    if (out) *out = NULL;
    if (!out || !session || !name || !text) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_prompt: a NULL argument");
    }
    if (!*name || *name == '.' || strchr(name, '/')) {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" is no name of a prompt", name);
    }
    const char *config = session->places.user_config;
    char *relative = glimpse_session_format("prompts/%s.txt", name), *template = NULL;
    char *path = config && relative ? glimpse_session_format("%s/%s", config, relative) : NULL;
    if (!path || access(path, F_OK) != 0) {
        free(path);
        path = relative ? glimpse_places_shipped(&session->places, relative) : NULL;
    }
    int status =
        path ? read_prompt(&template, path)
             : glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "the prompt %s is not installed (data/prompts/%s.txt)", name, name);
    if (status == GLIMPSE_OK) status = glimpse_vlm_fill(out, template, text);
    free(template);
    free(relative);
    free(path);
    return status;
}
