/*
 * dedup_decide.c - remembering what a person decided about duplicates, and showing it.
 */
#include "dedup_act.h"

#include "text.h"
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int is_id(const char *word) {
    return strlen(word) == 32 && strspn(word, "0123456789abcdef") == 32;
}

int dedup_decide(session *s, glimpse_decision_kind kind, const char *const *words, size_t count,
                 int json, const cli_command *command) {
    const char *name = glimpse_decision_kind_name(kind);
    size_t least = kind == GLIMPSE_DECISION_NOT_DUPLICATES ? 2 : 1;
    if (count < least) {
        return cli_misuse(command, "--%s needs %s", name,
                          least == 2 ? "two files or more" : "the files to keep");
    }
    int code = session_open_library(s, GLIMPSE_LIBRARY_CREATE);
    if (code != CLI_RUN) return code;
    char(*ids)[33] = xcalloc(count, sizeof *ids);
    const char **id_list = xcalloc(count, sizeof *id_list), **paths = xcalloc(count, sizeof *paths);
    char **real = xcalloc(count, sizeof *real);
    int64_t number = 0;
    for (size_t i = 0; i < count && code == CLI_RUN; i++) {
        if (is_id(words[i])) {
            (void)snprintf(ids[i], sizeof ids[i], "%s", words[i]);
        } else if (glimpse_content_id(ids[i], words[i]) < 0) {
            code = tool_fail_last();
        } else {
            real[i] = realpath(words[i], NULL);
        }
        id_list[i] = ids[i];
        paths[i] = real[i] ? real[i] : "";
    }
    if (code == CLI_RUN &&
        glimpse_decision_add(&number, s->library, kind, id_list, paths, count) < 0) {
        code = tool_fail_last();
    }
    if (code == CLI_RUN) {
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
            (void)printf("Remembered as decision %lld: %s. To forget it: glimpse dedup --forget "
                         "%lld\n",
                         (long long)number,
                         kind == GLIMPSE_DECISION_KEEP_ALL ? "all of them are wanted"
                                                           : "these are different pictures",
                         (long long)number);
        }
        code = EXIT_FOUND;
    }
    for (size_t i = 0; i < count; i++)
        free(real[i]);
    free(real);
    free(paths);
    free(id_list);
    free(ids);
    return code;
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
    int code = session_open_library_if_any(s, 1);
    if (code != CLI_RUN) return code;
    if (s->library && glimpse_decisions_load(&decisions, s->library) < 0) return tool_fail_last();
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
    int code = session_open_library(s, 0);
    if (code != CLI_RUN) return code;
    if (number > INT64_MAX)
        return tool_fail("there is no decision %llu", (unsigned long long)number);
    if (glimpse_decision_forget(s->library, (int64_t)number) < 0) return tool_fail_last();
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
