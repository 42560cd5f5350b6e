/*
 * dedup_loss.c - glimpse dedup: what may be lost (--allow-loss), and what was left because of it.
 */
#include "dedup_act.h"

#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* "pages, frames, ...", malloc'ed. */
static char *names_of(uint32_t kinds) {
    char *list = xstrdup("");
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        if (!(kinds >> k & 1)) continue;
        char *longer = xprintf("%s%s%s", list, *list ? ", " : "",
                               glimpse_holding_kind_name((glimpse_holding_kind)k));
        free(list);
        list = longer;
    }
    return list;
}

static int add_kind(uint32_t *kinds, const char *name, const cli_command *command) {
    const uint32_t all = (UINT32_C(1) << GLIMPSE_HOLDING_COUNT) - 1;
    glimpse_holding_kind kind;
    if (strcmp(name, "all") == 0) {
        *kinds = all;
        return CLI_RUN;
    }
    if (glimpse_holding_kind_of_name(&kind, name)) {
        *kinds |= UINT32_C(1) << kind;
        return CLI_RUN;
    }
    char *known = names_of(all);
    const int code =
        cli_misuse(command, "--allow-loss is a list of %s or all, not \"%s\"", known, name);
    free(known);
    return code;
}

int dedup_allow_loss(uint32_t *kinds, const cli_list *lists, const cli_command *command) {
    int code = CLI_RUN;
    *kinds = 0;
    for (size_t i = 0; i < lists->count && code == CLI_RUN; i++) {
        char *list = xstrdup(lists->values[i]), *rest = list, *name;
        if (!*list) code = cli_misuse(command, "--allow-loss needs at least one kind");
        while (code == CLI_RUN && (name = strsep(&rest, ",")) != NULL)
            code = *name ? add_kind(kinds, name, command) : CLI_RUN;
        free(list);
    }
    return code;
}

void dedup_print_held_back(const glimpse_dedup_plan *plan) {
    if (plan->held_back == 0) return;
    char *kinds = names_of(plan->held_kinds);
    (void)printf("%s left: %s what %s lacks (%s); --allow-loss names what may go\n",
                 text_count(plan->held_back), plan->held_back == 1 ? "it holds" : "they hold",
                 plan->held_back == 1 ? "its keeper" : "their keeper", kinds);
    free(kinds);
}

void dedup_json_kinds(uint32_t kinds, json_out *j) {
    jout_open(j, '[');
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        if (kinds >> k & 1) jout_string(j, glimpse_holding_kind_name((glimpse_holding_kind)k));
    }
    jout_close(j, ']');
}

void dedup_json_held_back(const glimpse_dedup_plan *plan, json_out *j) {
    jout_key(j, "held_back"), jout_uint(j, plan->held_back);
    jout_key(j, "held_kinds");
    dedup_json_kinds(plan->held_kinds, j);
}

char *dedup_left_words(const glimpse_dedup_left *left) {
    if (left->reason == GLIMPSE_LEFT_HELD_BACK) {
        char *kinds = names_of(left->kinds);
        char *text = xprintf("it holds what its keeper lacks (%s)", kinds);
        free(kinds);
        return text;
    }
    return xstrdup(
        left->reason == GLIMPSE_LEFT_PROTECTED ? "it lies in a protected folder"
        : left->reason == GLIMPSE_LEFT_LINK
            ? "it is only a link, or its keeper's own file"
            : "a RAW file is no duplicate of a picture, nor of a RAW file of other bytes");
}
