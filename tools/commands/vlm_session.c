/*
 * vlm_session.c - see vlm_session.h.
 */
#include "vlm_session.h"

#include "memory.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

glimpse_vlm_settings vlm_session_settings(const vlm_session *v) {
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    settings.spec = v->spec;
    settings.second_spec = v->second_spec;
    settings.escalate_below = v->escalate_below;
    settings.max_cost = v->max_cost;
    settings.requests_per_minute = v->requests_per_minute;
    settings.tokens_per_minute = v->tokens_per_minute;
    settings.timeout = v->timeout;
    settings.jobs = (unsigned)v->jobs;
    settings.samples = (unsigned)v->samples;
    settings.dry_run = v->dry_run;
    settings.refresh = v->refresh;
    settings.keep_metadata = v->keep_metadata;
    settings.no_cache = v->no_cache;
    settings.max_tokens = (unsigned)v->max_tokens;
    return settings;
}

void vlm_note_use(const glimpse_vlm_use *use) {
    const glimpse_vlm_totals *t = &use->totals;
    char money[64] = "";
    if (!use->remote) return;
    if (use->prices_are_old && t->unpriced == 0 && (use->dry_run || t->cost > 0.0)) {
        tool_note("prices are those of %s, more than a year ago: check them, and put yours into "
                  "prices.json in the configuration folder",
                  use->prices_as_of);
    }
    if (t->unpriced == 0) {
        (void)snprintf(money, sizeof money, ", %s%.4f%s%s", use->dry_run ? "about " : "cost ",
                       t->cost, *use->currency ? " " : "", use->currency);
    } else {
        (void)snprintf(money, sizeof money, ", price not known");
    }
    if (use->dry_run) {
        tool_note("dry run: %llu of %llu would be asked (%llu are in the cache), about %llu tokens "
                  "in, at most %llu out%s; at %s",
                  (unsigned long long)t->not_sent, (unsigned long long)t->asked,
                  (unsigned long long)t->cached, (unsigned long long)t->tokens_in,
                  (unsigned long long)t->tokens_out, money, use->address ? use->address : "");
        return;
    }
    if (t->incomplete > 0) {
        tool_note("%llu answers were cut or broke off; they are not kept, and asked for again next "
                  "time",
                  (unsigned long long)t->incomplete);
    }
    tool_note("%llu answered (%llu from the cache, %llu by the second model), %llu refused, %llu "
              "cannot tell, %llu failed, %llu not sent; %llu requests, %llu tokens in, %llu out%s",
              (unsigned long long)t->answered, (unsigned long long)t->cached,
              (unsigned long long)t->escalated, (unsigned long long)t->refused,
              (unsigned long long)t->cannot_tell, (unsigned long long)t->failed,
              (unsigned long long)t->not_sent, (unsigned long long)t->requests,
              (unsigned long long)t->tokens_in, (unsigned long long)t->tokens_out, money);
}

/*
 * For commands.
 */
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

int vlm_session_open(vlm_session *v, session *s) {
    int code = s->base ? CLI_RUN : session_begin_without_library(s);
    if (code != CLI_RUN) return code;
    const glimpse_vlm_settings settings = vlm_session_settings(v);
    v->run = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    v->run.refresh = v->refresh;
    v->run.dry_run = v->dry_run;
    v->run.cancelled = session_cancelled;
    if (glimpse_session_vlm(&v->vlm, &v->second, s->base, &settings, v->part) < 0) {
        return tool_fail_last();
    }
    v->run.second = v->second;
    if (v->second) v->run.escalate_below = v->escalate_below > 0.0 ? v->escalate_below : 0.7;
    return open_answers(v, s);
}

void vlm_session_close(vlm_session *v) {
    glimpse_response_cache_close(v->answers);
    v->answers = NULL;
    v->second = v->vlm = NULL;
}

char *vlm_choose(const char *chosen, const char *part) {
    session s = {0};
    const char *spec = NULL;
    char *copy = NULL;
    if (session_begin_without_library(&s) == CLI_RUN) {
        if (glimpse_session_vlm_spec(&spec, s.base, chosen, part) < 0) {
            (void)tool_fail_last();
        } else {
            copy = xstrdup(spec);
        }
    }
    session_close(&s);
    return copy;
}

int vlm_default_is_remote(void) {
    session s = {.quiet = 1};
    int remote = session_begin_without_library(&s) == CLI_RUN &&
                 glimpse_session_vlm_default_is_remote(s.base);
    session_close(&s);
    return remote;
}

char *vlm_session_prompt(const char *name, const char *text) {
    session s = {.quiet = 1};
    char *prompt = NULL;
    if (session_begin_without_library(&s) == CLI_RUN &&
        glimpse_session_prompt(&prompt, s.base, name, text) < 0) {
        (void)tool_fail_last();
    }
    char *copy = prompt ? xstrdup(prompt) : NULL;
    glimpse_free(prompt);
    session_close(&s);
    return copy;
}

const char *rerank_sure_id(const glimpse_result *result) {
    struct stat info;
    struct tm utc;
    char modified[32];
    if (stat(result->path, &info) != 0 || (uint64_t)info.st_size != result->bytes) return NULL;
    time_t changed = info.st_mtime;
    if (!gmtime_r(&changed, &utc)) return NULL;
    (void)strftime(modified, sizeof modified, "%Y-%m-%dT%H:%M:%S", &utc);
    return strcmp(modified, result->modified) == 0 ? result->id : NULL;
}

void vlm_session_note_totals(const vlm_session *v, const glimpse_vlm_totals *totals) {
    int old = 0;
    const char *date = glimpse_vlm_prices_as_of(v->vlm, &old);
    const glimpse_vlm_use use = {.address = glimpse_vlm_address(v->vlm),
                                 .prices_as_of = date,
                                 .prices_are_old = old,
                                 .currency = glimpse_vlm_currency(v->vlm),
                                 .remote = glimpse_vlm_is_remote(v->vlm) ||
                                           (v->second && glimpse_vlm_is_remote(v->second)),
                                 .dry_run = v->dry_run,
                                 .totals = *totals};
    vlm_note_use(&use);
}
