/*
 * dedup_decide.c - remembering what a person decided about duplicates, and showing it.
 */
#include "dedup_act.h"

#include "text.h"
#include "tool.h"

#include <stdlib.h>

int dedup_decide(session *s, glimpse_decision_kind kind, const char *const *words, size_t count,
                 int json, const cli_command *command) {
    const char *name = glimpse_decision_kind_name(kind);
    size_t min = kind == GLIMPSE_DECISION_NOT_DUPLICATES ? 2 : 1;
    if (count < min) {
        return cli_misuse(command, "--%s needs %s", name,
                          min == 2 ? "two files or more" : "the files to keep");
    }
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    char(*ids)[33] = xcalloc(count, sizeof *ids);
    int64_t number = 0;
    if (glimpse_session_decide(&number, ids, s->base, kind, words, count) < 0) {
        free(ids);
        return tool_fail_last();
    }
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_key(&j, "decision"), jout_int(&j, number);
        jout_key(&j, "kind"), jout_string(&j, name);
        jout_key(&j, "ids");
        jout_open(&j, '[');
        for (size_t i = 0; i < count; i++)
            jout_string(&j, ids[i]);
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        (void)printf("Remembered as decision %lld: %s. To forget it: glimpse dedup --forget %lld\n",
                     (long long)number,
                     kind == GLIMPSE_DECISION_KEEP_ALL ? "all of them are wanted"
                                                       : "these are different pictures",
                     (long long)number);
    }
    free(ids);
    return EXIT_FOUND;
}

static void print_decision(const glimpse_decision *d) {
    (void)printf("%lld. %s, %s UTC\n", (long long)d->number, glimpse_decision_kind_name(d->kind),
                 d->made);
    for (size_t i = 0; i < d->count; i++) {
        char *storage = NULL, *path = text_display(text_near_path(d->paths[i], &storage));
        (void)printf("   %s  %s\n", d->ids[i], path);
        free(path);
        free(storage);
    }
}

static void json_decision(const glimpse_decision *d, json_out *j) {
    jout_open(j, '{');
    jout_key(j, "decision"), jout_int(j, d->number);
    jout_key(j, "kind"), jout_string(j, glimpse_decision_kind_name(d->kind));
    jout_key(j, "made"), jout_string(j, d->made);
    jout_key(j, "members");
    jout_open(j, '[');
    for (size_t i = 0; i < d->count; i++) {
        jout_open(j, '{');
        jout_key(j, "id"), jout_string(j, d->ids[i]);
        jout_path(j, "path", d->paths[i]);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

int dedup_decisions(session *s, int json) {
    glimpse_decisions *decisions = NULL;
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    if (glimpse_session_load_decisions(&decisions, s->base) < 0) return tool_fail_last();
    size_t count = glimpse_decisions_count(decisions);
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_key(&j, "decisions");
        jout_open(&j, '[');
        for (size_t i = 0; i < count; i++)
            json_decision(glimpse_decisions_get(decisions, i), &j);
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        for (size_t i = 0; i < count; i++)
            print_decision(glimpse_decisions_get(decisions, i));
        if (count == 0) tool_note("nothing was decided yet");
    }
    glimpse_decisions_free(decisions);
    return count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

int dedup_forget(session *s, uint64_t number, int json) {
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    /* The option takes no number beyond INT64_MAX. */
    if (glimpse_session_forget_decision(s->base, (int64_t)number) < 0) return tool_fail_last();
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_key(&j, "forgotten"), jout_uint(&j, number);
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        (void)printf("Decision %llu is forgotten\n", (unsigned long long)number);
    }
    return EXIT_FOUND;
}
