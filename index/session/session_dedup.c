/*
 * session_dedup.c - duplicates and audits: which library, model and decisions go into a search.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"

#include <glimpse/session_dedup.h>

#include <stdlib.h>
#include <unistd.h>

/* What a search works with until it is over. */
typedef struct search {
    const glimpse_dedup_options *given;
    glimpse_dedup_options options; /* with what the session adds */
    session_lease lease;
    glimpse_library *against;
    glimpse_decisions *decisions;
} search;

static int on_progress(void *user, const glimpse_progress *progress) {
    const search *s = user;
    return s->given->progress(s->given->user, progress);
}

static int decide(void *user, const char *a, const char *b) {
    const search *s = user;
    int decision = s->given->decide ? s->given->decide(s->given->user, a, b) : 0;
    return decision ? decision : glimpse_decisions_ask(s->decisions, a, b);
}

/* A library among the second set's directories is taken for its pictures. */
static int open_against(search *s) {
    glimpse_dedup_options *o = &s->options;
    for (size_t i = 0; i < o->against_count; i++) {
        char *catalog = glimpse_session_format("%s/catalog.db", o->against[i]);
        if (!catalog) return glimpse_fail_nomem(1, "a path");
        int is_library = access(catalog, F_OK) == 0;
        free(catalog);
        if (!is_library) continue;
        if (o->against_count > 1) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "a second set is one library or several folders, not both: %s",
                                o->against[i]);
        }
        int status = glimpse_library_open(&s->against, o->against[i], GLIMPSE_LIBRARY_READ_ONLY);
        if (status < 0) return status;
        o->against_library = s->against;
        o->against = NULL;
        o->against_count = 0;
    }
    return GLIMPSE_OK;
}

/* Opens what the search needs; end it in any case. `given` must outlive it. */
static int begin(search *s, glimpse_session *session, const glimpse_dedup_options *given,
                 int embed) {
    s->given = given;
    s->options = *given;
    unsigned flags = given->root_count > 0 ? SESSION_OPTIONAL | SESSION_NAMED : SESSION_READ;
    int status = glimpse_session_acquire_library(&s->lease, session, flags, NULL);
    if (status == GLIMPSE_OK && embed) {
        status = glimpse_session_open_model(&s->options.model, session, GLIMPSE_TOWER_IMAGE,
                                            s->lease.library);
    }
    if (status == GLIMPSE_OK) status = open_against(s);
    if (status == GLIMPSE_OK && s->lease.library) {
        status = glimpse_decisions_load(&s->decisions, s->lease.library);
    }
    s->options.library = s->lease.library;
    s->options.jobs = glimpse_session_jobs(session, given->jobs);
    s->options.progress = given->progress ? on_progress : NULL;
    const int has_decided = glimpse_decisions_count(s->decisions) > 0;
    s->options.decide = given->decide || has_decided ? decide : NULL;
    s->options.user = s;
    return status;
}

static void end(search *s) {
    glimpse_decisions_free(s->decisions);
    glimpse_library_close(s->against);
    glimpse_session_release_library(&s->lease);
}

int glimpse_session_dedup(glimpse_dedup_report **out, glimpse_session *session,
                          const glimpse_dedup_options *options) {
    glimpse_dedup_options own = GLIMPSE_DEDUP_OPTIONS_INIT;
    search s = {0};
    if (out) *out = NULL;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_dedup: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_dedup_options, user);
    if (status < 0) return status;
    if (own.tiers == 0) {
        own.tiers = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_PERCEPTUAL;
        /* Embedding directories takes a while. */
        if (own.root_count == 0 || session->model_option) own.tiers |= GLIMPSE_TIER_SEMANTIC;
    }
    int embed = (own.tiers & GLIMPSE_TIER_SEMANTIC) != 0 || own.embed;
    status = begin(&s, session, &own, embed);
    if (status == GLIMPSE_OK) status = glimpse_dedup_run(out, &s.options);
    end(&s);
    return status;
}

int glimpse_session_audit(glimpse_audit **audit, glimpse_dedup_report **report,
                          glimpse_session *session, const glimpse_dedup_options *options,
                          const glimpse_audit_limits *limits) {
    glimpse_dedup_options own = GLIMPSE_DEDUP_OPTIONS_INIT;
    search s = {0};
    if (audit) *audit = NULL;
    if (report) *report = NULL;
    if (!audit || !report || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_audit: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_dedup_options, user);
    if (status < 0) return status;
    own.no_matching = 1;
    own.tiers = GLIMPSE_TIER_EXACT;
    /* A library has its embeddings already. */
    own.embed = own.embed || session->model_option || own.root_count == 0;
    status = begin(&s, session, &own, own.embed);
    if (status == GLIMPSE_OK) status = glimpse_dedup_run(report, &s.options);
    end(&s);
    if (status == GLIMPSE_OK) status = glimpse_audit_run(audit, *report, limits);
    if (status < 0) {
        glimpse_dedup_report_free(*report);
        *report = NULL;
    }
    return status;
}
