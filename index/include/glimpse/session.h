/*
 * glimpse/session.h - a library, a model and a vision-language model in one handle: what programs
 * and the glimpse command call.
 *
 *     glimpse_session *session = NULL;
 *     glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
 *     options.library = "photos.glimpse";
 *     if (glimpse_session_open(&session, &options) < 0) ...
 *
 *     const char *roots[] = {"/home/me/Pictures"}, *words[] = {"two parrots on a branch"};
 *     glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
 *     ingest.roots = roots, ingest.root_count = 1;
 *     glimpse_session_index(NULL, session, &ingest);
 *
 *     glimpse_hits *hits = NULL;                       // glimpse/session_search.h
 *     if (glimpse_session_search(&hits, session, words, 1, NULL) < 0) ...
 *     for (size_t i = 0; i < glimpse_hits_count(hits); i++)
 *         puts(glimpse_hits_get(hits, i)->path);
 *     glimpse_hits_free(hits);
 *     glimpse_session_close(session);
 *
 * Everything is opened when it is first needed: a session on a library that does not exist opens,
 * and fails where it has to search it.
 *
 * Where the library, the models and what ships are is decided when the session is opened; later
 * changes of the environment or of the working directory do not matter to them. That goes for the
 * name of a VLM in the settings of a call, too: as a relative path it begins in the directory that
 * was the working directory then. Other paths that a call is given (pictures, roots, class files)
 * begin in the working directory of the call. What is no part of the session is looked for when a
 * call needs it: ~/ in a query (HOME), the journal of actions (XDG_STATE_HOME), the trash
 * (XDG_DATA_HOME), the default VLM and the profiles of VLMs (XDG_CONFIG_HOME) and the keys they
 * name, the hub that models are pulled from (HF_ENDPOINT, HF_TOKEN, ...), caches (XDG_CACHE_HOME,
 * GLIMPSE_WEIGHTS_CACHE), GLIMPSE_CPU.
 *
 * Library: `options.library`, else $GLIMPSE_LIBRARY, else
 * ${XDG_DATA_HOME:-~/.local/share}/glimpse/library. Model: `options.model`, else $GLIMPSE_MODEL,
 * else the library's default, else the user's (glimpse/session_models.h), else the demo model that
 * ships with glimpse (after a note). A name that is no directory is looked up in
 * ${XDG_DATA_HOME:-~/.local/share}/glimpse/models, then in the table of models (glimpse/catalog.h),
 * then in the cache of Hugging Face's programs, then among the models of the library. "A+B" (up to
 * GLIMPSE_MAX_MODELS of them; unless a model has that very name) is several models: search and
 * similar ask all of them and fuse the ranks (glimpse/session_search.h), glimpse_session_embed_rest
 * embeds for all of them, and calls that need one model are GLIMPSE_E_INVALID.
 *
 * A call never prints and never exits. It returns a status (glimpse/status.h) and tells more
 * through the callbacks of its options: `progress` (non-zero stops), `cancelled` (polled; non-zero
 * stops), both with `user`. A call that was stopped returns GLIMPSE_E_CANCELLED; what it had
 * finished is kept.
 *
 * Callbacks may come from another thread than the caller's. Those of one call come one at a time,
 * with one exception: while a VLM is asked, `cancelled` may be asked by several threads at once,
 * and beside another callback. (Reading a flag, as with glimpse_cancel_raised, needs no care.)
 * `note` belongs to the session and not to a call, so threads whose calls run beside each other may
 * remark beside each other. Callbacks must not call the session.
 *
 * Stopping: calls that have no options of their own and may take long (reindex, verify, undo,
 * empty) ask `cancelled` of the session's options; undo and empty between two files. A stopped one
 * leaves a library, or a journal, on which the same call goes on. The others (decide, forget,
 * embed) cannot be stopped: they end by themselves, and a writer among them first waits for the
 * writer that is at work.
 *
 * A library that is removed or replaced while the session is open (a backup put back, say): the
 * next call works with what is there then. A call that is running may fail with GLIMPSE_E_NOT_FOUND
 * or GLIMPSE_E_CORRUPT; it writes nothing to the other library. The model stays the one that was
 * chosen.
 *
 * Threads: use a session from as many threads as you like. Readers (search, similar, status, ...)
 * run beside each other and beside one writer; a second writer (index, prune, reindex, ...) of the
 * same session waits for the first, one in another process is GLIMPSE_E_BUSY. A labeller that
 * stores (glimpse/session_label.h) is a writer from open to close: when the thread that opened it
 * calls another writer meanwhile, that is GLIMPSE_E_BUSY, since it would wait for itself. Close the
 * session when no call is running.
 *
 * fork(): do not use a session in the child. Nor can a new one be used there once the parent has
 * run a model: the threads that the parent computes with (OpenMP, BLAS) are not in the child, which
 * waits for them for ever. Fork before the first model runs, or fork and exec.
 *
 * Memory. Each thread that reads at the same time has a handle of the library; they share the
 * vectors of a model, which are held once (glimpse/library.h: 2 E + 8 bytes a picture, a second
 * time while a writer adds to them), and as many handles are kept as were in use at once. A tower
 * of the model is prepared when it is first needed, once for all threads (a query of words and
 * pictures needs both in one: they are prepared again when they were opened apart). Encoders are
 * kept like handles. A VLM is opened once for equal settings; the last eight are kept.
 */
#ifndef GLIMPSE_SESSION_H
#define GLIMPSE_SESSION_H

#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_session glimpse_session;

enum { GLIMPSE_MAX_MODELS = 8 }; /* in "A+B+..." */

/* A remark for a person, no failure: "no model was chosen, using the demo model, ...". Valid during
 * the call. */
typedef void (*glimpse_note_fn)(void *user, const char *note);

typedef struct glimpse_session_options {
    size_t size;            /* GLIMPSE_SESSION_OPTIONS_INIT sets it */
    const char *library;    /* NULL: see above */
    unsigned library_flags; /* GLIMPSE_LIBRARY_CREATE: every call that needs the library makes it
                               when there is none (indexing always does);
                               GLIMPSE_LIBRARY_READ_ONLY: nothing is written; with
                               GLIMPSE_LIBRARY_UPGRADE nothing but the upgrade of an older one */
    int no_library;         /* 1: there is none, and it has no part in the choice of the model */
    const char *model;      /* a directory, or a name; NULL: see above */
    glimpse_precision precision;
    glimpse_backend backend;
    const char *language; /* of texts, for models that ask (NLLB-CLIP): "deu_Latn", "de"; NULL:
                             the model's own. GLIMPSE_E_UNSUPPORTED for other models */
    size_t dimensions;    /* of a Matryoshka model's embeddings that are kept; 0: what the
                             library has of its model, else all. Indexing with it makes
                             vectors that go by a fingerprint of their own */
    int no_weights_cache; /* 1: prepared weights are neither read nor written */
    unsigned jobs;        /* threads of calls that make some and do not say; 0: one a core */
    const char *data_directory; /* what ships with glimpse: models/demo, classes, templates,
                                   prompts, prices.json. NULL: beside the shared library or the
                                   program (../share/glimpse), where it was installed, or in the
                                   source tree */
    glimpse_note_fn note;       /* NULL: nobody wants to know */
    void *user;                 /* for `note` and `cancelled` */
    /* For calls without options of their own, polled; non-zero stops. NULL: never. */
    int (*cancelled)(void *user);
} glimpse_session_options;

static inline glimpse_session_options glimpse_session_options_init(void) {
    glimpse_session_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_SESSION_OPTIONS_INIT glimpse_session_options_init()

/* `options` may be NULL. Nothing is looked for on disk yet. */
GLIMPSE_API int glimpse_session_open(glimpse_session **out, const glimpse_session_options *options);
/* No call may be running; what the session returned as borrowed dies. */
GLIMPSE_API void glimpse_session_close(glimpse_session *session);

/*
 * Where things are. Strings live as long as the session.
 */
/* Absolute, whether it exists or not; NULL when no place is known (HOME is not set) or the session
 * has none. */
GLIMPSE_API const char *glimpse_session_library_path(const glimpse_session *session);
/* 1 when there is a library that can be opened, 0 when there is none; negative when it is damaged,
 * or when it was named in the options and is not there. */
GLIMPSE_API int glimpse_session_has_library(glimpse_session *session);
/* Where models are looked up by name; NULL when no place is known. It need not exist. */
GLIMPSE_API const char *glimpse_session_models_directory(const glimpse_session *session);
/* The directory of the model that would be used; it is found, not opened. */
GLIMPSE_API int glimpse_session_model_path(const char **path, glimpse_session *session);
/* What ships as `relative` ("classes/pets.txt", "prices.json", "models/demo"); NULL when it is not
 * installed, and for a path that leads elsewhere (with "..", or from "/"). */
GLIMPSE_API const char *glimpse_session_shipped(glimpse_session *session, const char *relative);

/* Models that can be chosen by name: those below the models directory (NAME or ORG/NAME) and those
 * in the cache of Hugging Face's programs, each in the order of their names; single files of
 * weights that open_clip downloaded; "demo"; and those that the library knows and that are none of
 * them. */
typedef struct glimpse_model_entry {
    const char *name, *path;
    const char *fingerprint;   /* NULL for one that makes no embeddings, or is damaged */
    int is_blip;               /* 1: a vision-language model */
    int is_available;          /* 0: no longer where the library remembers it */
    int in_library, last_used; /* the library has embeddings of it; it is the one used last */
    uint64_t embedded;         /* how many */
    const char *place;   /* "models directory", "hub cache", "clip cache", "demo", "library" */
    const char *problem; /* why it cannot be used, which is_available does not say; NULL */
    const char *family, *languages, *licence; /* as in glimpse_catalog_model; NULL: not known */
    double parameters;                        /* millions; NaN: not known */
    unsigned dimension, resolution;           /* 0: none, or not known */
    uint64_t bytes;                           /* of its files on the disk */
    const char *precision; /* what GLIMPSE_PRECISION_AUTO takes on this machine; NULL: damaged */
    int is_library_default, is_user_default; /* see above */
    int can_be_removed;                      /* by glimpse_session_remove_model() */
    const char *short_name;                  /* in the table of models; NULL: it is not in it */
} glimpse_model_entry;
typedef struct glimpse_model_list glimpse_model_list;
GLIMPSE_API int glimpse_session_list_models(glimpse_model_list **out, glimpse_session *session);
GLIMPSE_API size_t glimpse_model_list_count(const glimpse_model_list *list);
GLIMPSE_API const glimpse_model_entry *glimpse_model_list_get(const glimpse_model_list *list,
                                                              size_t i);
GLIMPSE_API void glimpse_model_list_free(glimpse_model_list *list);

/*
 * What a session has no call for.
 */
/* The model with at least these towers (GLIMPSE_TOWER_...), shared by all threads; borrowed. */
GLIMPSE_API int glimpse_session_model(const glimpse_model **model, glimpse_session *session,
                                      unsigned towers);
/* Another handle of the library, for one thread at a time and for the caller to close before the
 * session; `flags` as for glimpse_library_open. */
GLIMPSE_API int glimpse_session_open_library(glimpse_library **out, glimpse_session *session,
                                             unsigned flags);

/*
 * Indexing.
 */
/* Brings the library up to date with options->roots (0 of them: with the roots it knows) and makes
 * it when there is none; as glimpse_library_ingest, but for options->model NULL, which is the
 * session's, and jobs 0, which are the session's. A new library is made only when all the roots
 * exist. Returns GLIMPSE_E_CANCELLED with the report filled in when it was stopped. `report` may be
 * NULL. */
GLIMPSE_API int glimpse_session_index(glimpse_ingest_report *report, glimpse_session *session,
                                      const glimpse_ingest_options *options);

/* How much of the library a model has embeddings of. */
typedef struct glimpse_model_coverage {
    const char *model; /* as it was said, else as it is listed, else the last part of its path */
    const char *path;
    uint64_t embedded; /* different pictures */
    uint64_t files;    /* that can be used, of the whole library */
    uint64_t pending;  /* of these, those without an embedding of this model */
} glimpse_model_coverage;
/* Of the session's model, or of each of several: out [GLIMPSE_MAX_MODELS], *count of them. Strings
 * live as long as the session. No model is opened. */
GLIMPSE_API int glimpse_session_load_coverage(glimpse_model_coverage *out, size_t *count,
                                              glimpse_session *session);
/* Embeds what the session's model, or each of several, has no embeddings of yet: as
 * glimpse_session_index with no roots, one model after the other, models that cover everything
 * left alone. options->roots and options->model are not looked at. When it is stopped, what was
 * embedded is kept, and the same call goes on. `report` (may be NULL) is the last model's, with
 * `embedded` and `seconds` summed. */
GLIMPSE_API int glimpse_session_embed_rest(glimpse_ingest_report *report, glimpse_session *session,
                                           const glimpse_ingest_options *options);

/*
 * Looking at the library. GLIMPSE_E_NOT_FOUND when there is none.
 */
GLIMPSE_API int glimpse_session_load_status(glimpse_library_status **out, glimpse_session *session);
GLIMPSE_API int glimpse_session_load_model_status(glimpse_library_status **out,
                                                  glimpse_session *session);
/* All pictures, or those within some places; as glimpse_library_pictures. */
GLIMPSE_API int glimpse_session_pictures(glimpse_results **out, glimpse_session *session,
                                         const char *const *within, size_t within_count);
/* Files and what they say; as glimpse_library_visit_files. `visit` must not call the session. */
GLIMPSE_API int glimpse_session_visit_files(glimpse_session *session, glimpse_file_fn visit,
                                            void *user);
/* Pictures with their embeddings; as glimpse_library_visit. `visit` must not call the session. */
GLIMPSE_API int glimpse_session_visit(glimpse_session *session, const char *const *within,
                                      size_t within_count, glimpse_visit_fn visit, void *user);
GLIMPSE_API int glimpse_session_verify(uint64_t *checked, glimpse_session *session,
                                       glimpse_problem_fn report, void *user);

/*
 * Looking after it: writers.
 */
GLIMPSE_API int glimpse_session_reindex(glimpse_session *session);
/* As glimpse_library_prune, but options->model may also be the model's name, or the first four
 * digits or more of its fingerprint. */
GLIMPSE_API int glimpse_session_prune(glimpse_prune_report *report, glimpse_session *session,
                                      const glimpse_prune_options *options);

/*
 * Embeddings, for programs that compare things themselves. GLIMPSE_E_INVALID for flags that are not
 * known; GLIMPSE_ENCODE_EXACT says nothing about texts.
 */
/* `texts` [count] to `embeddings` [count][E], of unit length unless `flags` has GLIMPSE_ENCODE_RAW;
 * `truncated` [count] (may be NULL) is 1 for a text that is longer than the model reads. */
GLIMPSE_API int glimpse_session_embed_texts(float *embeddings, int *truncated,
                                            glimpse_session *session, const char *const *texts,
                                            size_t count, unsigned flags);
/* A picture file, decoded as indexing does; `flags` as above, and GLIMPSE_ENCODE_EXACT.
 * *unusable (may be NULL) is 1 when it fails because of the file. */
GLIMPSE_API int glimpse_session_embed_picture(float *embedding, int *unusable,
                                              glimpse_session *session, const char *path,
                                              unsigned flags);

#ifdef __cplusplus
}
#endif
#endif
