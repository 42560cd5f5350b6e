/*
 * vlm_session.c - the options of commands with a vision-language model.
 */
#include "vlm_session.h"

#include "text.h"
#include "tool.h"

#include <stdio.h>

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
        tool_note("%s cut or broken off, and not kept: they are asked for again next time",
                  text_counted(t->incomplete, "answer was", "answers were"));
    }
    tool_note("%llu answered (%llu from the cache, %llu by the second model), %llu refused, %llu "
              "cannot tell, %llu failed, %llu not sent; %llu requests, %llu tokens in, %llu out%s",
              (unsigned long long)t->answered, (unsigned long long)t->cached,
              (unsigned long long)t->escalated, (unsigned long long)t->refused,
              (unsigned long long)t->cannot_tell, (unsigned long long)t->failed,
              (unsigned long long)t->not_sent, (unsigned long long)t->requests,
              (unsigned long long)t->tokens_in, (unsigned long long)t->tokens_out, money);
}
