/*
 * cmd_status.c - glimpse status: what is in a library, and what could not be used.
 */
#include "cli.h"
#include "json_out.h"
#include "local_date.h"
#include "session.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_file_json(void *user, const glimpse_library_file *f) {
    json_out *j = user;
    char offset[8] = "";
    if (f->has_taken_offset) glimpse_offset_text(offset, f->taken_offset);
    jout_open(j, '{');
    jout_path(j, "path", f->path);
    jout_key(j, "id"), jout_string(j, f->id);
    jout_key(j, "bytes"), jout_uint(j, f->bytes);
    jout_key(j, "width"), jout_uint(j, f->width);
    jout_key(j, "height"), jout_uint(j, f->height);
    jout_text_or_null(j, "format", f->format);
    jout_text_or_null(j, "taken", f->taken);
    jout_text_or_null(j, "taken_from", f->taken_from);
    jout_text_or_null(j, "taken_offset", offset);
    jout_text_or_null(j, "modified", f->modified);
    jout_text_or_null(j, "camera", f->camera);
    jout_key(j, "place");
    if (f->has_gps) {
        jout_open(j, '[');
        jout_number(j, f->latitude), jout_number(j, f->longitude);
        jout_close(j, ']');
    } else {
        jout_null(j);
    }
    jout_key(j, "metadata");
    if (*f->metadata)
        jout_raw(j, f->metadata);
    else
        jout_null(j);
    jout_close(j, '}');
    return 0;
}

static int print_file(void *user, const glimpse_library_file *f) {
    (void)user;
    char *path = text_display(f->path), *taken = local_moment(f->taken);
    char *date = xprintf("  %s  %s", taken, f->taken_from);
    (void)printf("%s%s", date,
                 table_fits(text_width(date) + 2 + text_width(path)) ? "  " : "\n    ");
    terminal_print_link(f->path, path);
    (void)putchar('\n');
    free(date);
    free(taken);
    free(path);
    return 0;
}

/* `files`: the session whose files are listed as well, or NULL. The status of the listing. */
static int print_json(const glimpse_library_status *st, glimpse_session *files) {
    int status = GLIMPSE_OK;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "library", st->library);
    jout_key(&j, "files"), jout_uint(&j, st->files);
    jout_key(&j, "embedded"), jout_uint(&j, st->embedded);
    jout_key(&j, "duplicates"), jout_uint(&j, st->duplicates);
    jout_key(&j, "pending"), jout_uint(&j, st->pending);
    jout_key(&j, "offline"), jout_uint(&j, st->offline);
    jout_key(&j, "missing"), jout_uint(&j, st->missing);
    jout_key(&j, "left_out"), jout_uint(&j, st->left_out);
    jout_key(&j, "unidentified"), jout_uint(&j, st->unidentified);
    jout_key(&j, "quarantined");
    jout_open(&j, '[');
    for (size_t i = 0; i < st->quarantined_count; i++) {
        jout_open(&j, '{');
        jout_path(&j, "path", st->quarantined[i].path);
        jout_key(&j, "reason"), jout_string(&j, st->quarantined[i].reason);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t i = 0; i < st->model_count; i++) {
        const glimpse_library_model *m = &st->models[i];
        jout_open(&j, '{');
        jout_path(&j, "name", m->name);
        jout_key(&j, "fingerprint"), jout_string(&j, m->fingerprint);
        jout_path(&j, "path", m->path);
        jout_key(&j, "embedding_size"), jout_uint(&j, m->embedding_size);
        jout_key(&j, "embedded"), jout_uint(&j, m->embedded);
        jout_key(&j, "generation"), jout_uint(&j, m->generation);
        jout_key(&j, "index"), jout_string(&j, m->index_state);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "roots");
    jout_open(&j, '[');
    for (size_t i = 0; i < st->root_count; i++) {
        jout_open(&j, '{');
        jout_path(&j, "path", st->roots[i]);
        jout_key(&j, "offline"), jout_bool(&j, st->root_offline[i]);
        const glimpse_root_settings *o = &st->root_settings[i];
        jout_key(&j, "exclude");
        jout_open(&j, '[');
        for (size_t k = 0; k < o->exclude_count; k++)
            jout_string(&j, o->exclude[k]);
        jout_close(&j, ']');
        jout_key(&j, "follow_links"), jout_bool(&j, o->follow_links);
        jout_key(&j, "include_nomedia"), jout_bool(&j, o->include_nomedia);
        jout_key(&j, "tiles"), jout_bool(&j, o->tiles);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "single_files"), jout_uint(&j, st->single_files);
    jout_key(&j, "catalog_bytes"), jout_uint(&j, st->catalog_bytes);
    jout_key(&j, "vectors_bytes"), jout_uint(&j, st->vectors_bytes);
    jout_key(&j, "captions"), jout_uint(&j, st->captions);
    jout_key(&j, "captioned"), jout_uint(&j, st->captioned);
    jout_key(&j, "tiles"), jout_uint(&j, st->tiles);
    jout_key(&j, "tiled"), jout_uint(&j, st->tiled);
    if (files) {
        jout_key(&j, "file_list");
        jout_open(&j, '[');
        status = glimpse_session_visit_files(files, print_file_json, &j);
        jout_close(&j, ']');
    }
    jout_close(&j, '}');
    jout_end(&j);
    return status;
}

static void print_path(const char *before, const char *path, const char *after) {
    char *shown = text_display(path);
    (void)printf("%s%s%s\n", before, shown, after);
    free(shown);
}

/* " (offline; --exclude '*.tmp.jpg')", or "". */
static char *describe_root(const glimpse_library_status *st, size_t i) {
    const glimpse_root_settings *o = &st->root_settings[i];
    char *text = xprintf("%s", st->root_offline[i] ? "offline" : "");
    const char *const flags[] = {o->follow_links ? "--follow-links" : NULL,
                                 o->include_nomedia ? "--include-nomedia" : NULL,
                                 o->tiles ? "--tiles" : NULL};
    for (size_t k = 0; k < o->exclude_count + sizeof flags / sizeof *flags; k++) {
        const char *word = k < o->exclude_count ? "--exclude" : flags[k - o->exclude_count];
        if (!word) continue;
        const char *mark = k < o->exclude_count ? "'" : "";
        char *longer = xprintf("%s%s%s%s%s%s%s", text, *text ? k == 0 ? "; " : " " : "", word,
                               *mark ? " " : "", mark, *mark ? o->exclude[k] : "", mark);
        free(text);
        text = longer;
    }
    if (!*text) return text;
    char *whole = xprintf(" (%s)", text), *shown = text_display(whole);
    free(whole);
    free(text);
    return shown;
}

/* Whether the library has vectors of the same model in another length (Matryoshka). */
static int has_other_length(const glimpse_library_status *st, size_t model) {
    for (size_t i = 0; i < st->model_count; i++) {
        if (i != model && strcmp(st->models[i].name, st->models[model].name) == 0 &&
            st->models[i].embedding_size != st->models[model].embedding_size)
            return 1;
    }
    return 0;
}

static void print_people(const glimpse_library_status *st) {
    print_path("Library:     ", st->library, "");
    (void)printf("Pictures:    %s, %s embedded", text_counted(st->files, "file", "files"),
                 text_count(st->embedded));
    if (st->duplicates > 0)
        (void)printf(", %s", text_counted(st->duplicates, "duplicate", "duplicates"));
    if (st->pending > 0) (void)printf(", %s not embedded yet", text_count(st->pending));
    if (st->quarantined_count > 0) {
        (void)printf(", %s unusable", text_count(st->quarantined_count));
    }
    (void)putchar('\n');
    if (st->offline > 0)
        (void)printf("Offline:     %s\n", text_counted(st->offline, "file", "files"));
    if (st->missing > 0) {
        (void)printf("Missing:     %s (glimpse prune forgets them)\n",
                     text_counted(st->missing, "file", "files"));
    }
    if (st->left_out > 0) {
        (void)printf("Left out:    %s by .nomedia, --exclude or a link (glimpse prune --left-out "
                     "forgets them)\n",
                     text_counted(st->left_out, "file", "files"));
    }
    if (st->unidentified > 0) {
        (void)printf("Unread:      %s not yet identified: until they are, do not edit their files "
                     "(connect their disk, and run glimpse index)\n",
                     text_counted(st->unidentified, "picture is", "pictures are"));
    }
    if (st->captions > 0) {
        (void)printf("Captions:    %s, of %s\n", text_count(st->captions),
                     text_counted(st->captioned, "picture", "pictures"));
    }
    if (st->tiles > 0) {
        (void)printf("Tiles:       %s, of %s\n", text_count(st->tiles),
                     text_counted(st->tiled, "picture", "pictures"));
    }
    (void)printf("On disk:     %s catalogue, %s vector index\n", text_bytes(st->catalog_bytes),
                 text_bytes(st->vectors_bytes));
    for (size_t i = 0; i < st->root_count; i++) {
        char *more = describe_root(st, i);
        print_path(i == 0 ? "Folders:     " : "             ", st->roots[i], more);
        free(more);
    }
    if (st->single_files > 0) {
        (void)printf("By itself:   %s\n", text_counted(st->single_files, "file", "files"));
    }
    for (size_t i = 0; i < st->model_count; i++) {
        const glimpse_library_model *m = &st->models[i];
        char *name = text_display(m->name);
        char *kept = has_other_length(st, i) ? xprintf(" (%zu numbers)", m->embedding_size) : NULL;
        (void)printf("%s%s%s, %s embedded, index %s\n", i == 0 ? "Models:      " : "             ",
                     name, kept ? kept : "", text_count(m->embedded), m->index_state);
        free(kept);
        free(name);
    }
    if (st->quarantined_count > 0) (void)printf("Unusable:\n");
    for (size_t i = 0; i < st->quarantined_count; i++) {
        const glimpse_quarantined *q = &st->quarantined[i];
        char *path = text_display(q->path), *reason = text_display(q->reason);
        (void)fputs("  ", stdout);
        terminal_print_link(q->path, path);
        if (table_fits(2 + text_width(path) + 2 + text_width(reason))) {
            (void)printf(": %s\n", reason);
        } else {
            (void)putchar('\n');
            table_print_line(reason, TERMINAL_FAINT);
        }
        free(path);
        free(reason);
    }
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0, files = 0, listed = GLIMPSE_OK;
    const cli_option options[] = {
        CLI_FLAG("files", 0, &files, "list every file, with its date and where that is from"),
        OPTION_JSON(json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_status, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    glimpse_library_status *status = NULL;
    if ((code = cli_expect_no_words(&cmd_status, &arguments)) != CLI_RUN) goto done;
    if ((code = session_begin(&s, GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE)) != CLI_RUN)
        goto done;
    if (glimpse_session_load_status(&status, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (json) {
        listed = print_json(status, files ? s.base : NULL);
    } else {
        print_people(status);
        if (files) {
            (void)printf("Files:\n");
            listed = glimpse_session_visit_files(s.base, print_file, NULL);
        }
    }
    if (listed < 0) {
        code = tool_fail_last();
        goto done;
    }
    code = EXIT_FOUND;
done:
    glimpse_library_status_free(status);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_status = {
    "status",
    "",
    "what is in a library, and which files were unusable",
    "Shows how many pictures the library knows, which folders and models it has, and every file "
    "that could not be used, with the reason. --files lists all others, with the date on which "
    "the picture was taken, and with --json all that the file says of it.",
    "  glimpse status\n"
    "  glimpse status --json --library work.glimpse\n",
    run,
};
