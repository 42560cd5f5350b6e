/*
 * cmd_models.c - glimpse models: the models that are installed, and those a library was made with.
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/sys/blip.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct found_model {
    char *name, *path, *fingerprint; /* fingerprint NULL when unreadable */
    int used;                        /* by the library */
    int last;                        /* the one the library used last */
    uint64_t embedded;
} found_model;

typedef struct found_models {
    found_model *items;
    size_t count;
} found_models;

static found_model *add(found_models *all, const char *name, const char *path) {
    all->items = xrealloc(all->items, (all->count + 1) * sizeof *all->items);
    found_model *model = &all->items[all->count++];
    *model = (found_model){xstrdup(name), xstrdup(path), NULL, 0, 0, 0};
    return model;
}

static void add_folder(found_models *all, const char *name, const char *path) {
    char hex[33];
    found_model *model = add(all, name, path);
    if (glimpse_model_read_fingerprint(hex, path) == GLIMPSE_OK) model->fingerprint = xstrdup(hex);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const found_model *)a)->name, ((const found_model *)b)->name);
}

/* NAME and ORG/NAME below `folder`. */
static void add_installed(found_models *all, const char *folder, const char *organisation) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char *path = xprintf("%s/%s", folder, entry->d_name);
        char *name =
            organisation ? xprintf("%s/%s", organisation, entry->d_name) : xstrdup(entry->d_name);
        if (session_is_model(path)) {
            add_folder(all, name, path);
        } else if (!organisation) {
            add_installed(all, path, entry->d_name);
        }
        free(name);
        free(path);
    }
    (void)closedir(dir);
}

static void add_library(found_models *all, const glimpse_library_status *status) {
    for (size_t i = 0; i < status->model_count; i++) {
        const glimpse_library_model *m = &status->models[i];
        found_model *model = NULL;
        for (size_t k = 0; k < all->count; k++) {
            if (all->items[k].fingerprint &&
                strcmp(all->items[k].fingerprint, m->fingerprint) == 0) {
                model = &all->items[k];
            }
        }
        if (!model) {
            model = add(all, m->name, m->path ? m->path : "");
            model->fingerprint = xstrdup(m->fingerprint);
        }
        model->used = 1;
        model->last = i == 0;
        model->embedded = m->embedded;
    }
}

static void print_json(const found_models *all) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t i = 0; i < all->count; i++) {
        const found_model *m = &all->items[i];
        jout_open(&j, '{');
        jout_path(&j, "name", m->name);
        jout_path(&j, "path", m->path);
        jout_text_or_null(&j, "fingerprint", m->fingerprint);
        jout_key(&j, "kind");
        jout_string(&j, glimpse_blip_is_model(m->path) ? "blip" : "encoder");
        jout_key(&j, "available"), jout_bool(&j, session_is_model(m->path));
        jout_key(&j, "in_library"), jout_bool(&j, m->used);
        jout_key(&j, "last_used"), jout_bool(&j, m->last);
        jout_key(&j, "embedded"), jout_uint(&j, m->embedded);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_people(const found_models *all) {
    size_t widest = 4;
    for (size_t i = 0; i < all->count; i++) {
        size_t width = text_width(all->items[i].name);
        if (width > widest) widest = width;
    }
    for (size_t i = 0; i < all->count; i++) {
        const found_model *m = &all->items[i];
        char *name = text_display(m->name), *path = text_display(m->path);
        text_print_padded(name, widest);
        /* BLIP models describe pictures and make no embeddings. */
        const char *otherwise = glimpse_blip_is_model(m->path) ? "blip    " : "damaged ";
        (void)printf("  %.8s  ", m->fingerprint ? m->fingerprint : otherwise);
        if (m->used) {
            (void)printf("%s embedded%s, ", text_count(m->embedded), m->last ? " (used last)" : "");
        }
        (void)printf("%s%s\n", path, session_is_model(m->path) ? "" : " (no longer there)");
        free(name);
        free(path);
    }
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0;
    const cli_option options[] = {
        CLI_FLAG("json", 'j', &json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_models, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    found_models all = {0};
    glimpse_library_status *status = NULL;
    char *folder = session_models_folder(), *demo = session_demo_model();
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_models, "models takes no arguments, not \"%s\"", arguments.words[0]);
        goto done;
    }
    if ((code = session_open_library_if_any(&s, 1)) != CLI_RUN) goto done;
    if (folder) add_installed(&all, folder, NULL);
    if (all.count > 1) qsort(all.items, all.count, sizeof *all.items, by_name);
    if (demo) add_folder(&all, "demo", demo);
    if (s.library) {
        if (glimpse_library_load_models(&status, s.library) < 0) {
            code = tool_fail_last();
            goto done;
        }
        add_library(&all, status);
    }
    if (json) {
        print_json(&all);
    } else {
        print_people(&all);
    }
    if (all.count == 0) tool_note("no models; put one into %s", folder ? folder : "a folder");
    code = all.count > 0 ? EXIT_FOUND : EXIT_NOTHING;
done:
    for (size_t i = 0; i < all.count; i++) {
        free(all.items[i].name);
        free(all.items[i].path);
        free(all.items[i].fingerprint);
    }
    free(all.items);
    free(folder);
    free(demo);
    glimpse_library_status_free(status);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_models = {
    "models",
    "",
    "models that are installed, and those the library was made with",
    "Lists the models in ${XDG_DATA_HOME:-~/.local/share}/glimpse/models (NAME or ORG/NAME), the "
    "demo model, and the models that the library has embeddings of. A name listed here can be "
    "given to --model.",
    "  glimpse models\n"
    "  glimpse models --json --library work.glimpse\n",
    run,
};
