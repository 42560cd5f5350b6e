/*
 * caches.h - what other programs downloaded: where Hugging Face's libraries and open_clip keep
 * models. Read as they lie there, and never changed.
 *
 *     CACHE/models--ORG--NAME/refs/REVISION            the commit of a branch
 *     CACHE/models--ORG--NAME/snapshots/COMMIT/FILE    a link to ../../blobs/DIGEST
 */
#ifndef GLIMPSE_HUB_CACHES_H
#define GLIMPSE_HUB_CACHES_H

/* HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else
 * ${XDG_CACHE_HOME:-~/.cache}/huggingface/hub; malloc'ed, NULL when no place is known (or without
 * memory). It need not exist. */
char *glimpse_hub_cache_directory(void);
/* ~/.cache/clip, where clip and open_clip keep single files; likewise. */
char *glimpse_clip_cache_directory(void);

/* The snapshot of ORG/NAME or ORG/NAME@REVISION, malloc'ed: of the revision, else of main, else the
 * one that was made last. *out NULL: there is none. Fails only without memory. */
int glimpse_hub_cache_find(char **out, const char *cache, const char *name);

/* The same of the directory `repository` (.../models--ORG--NAME) itself. */
int glimpse_hub_cache_snapshot(char **out, const char *repository);

/* ORG/NAME of a path below CACHE, malloc'ed; *out NULL: it is of no model. */
int glimpse_hub_cache_name(char **out, const char *cache, const char *path);

/* Calls `visit` with ORG/NAME and its snapshot for everything there; a negative return ends it and
 * is returned. A cache that is not there has nothing. */
typedef int (*glimpse_hub_cached_fn)(void *user, const char *repository, const char *path);
int glimpse_hub_cache_visit(const char *cache, glimpse_hub_cached_fn visit, void *user);

/* Removes MODELS/NAME, an installed model: it is gone at once, and then its files are deleted. A
 * link is removed, and not what it leads to. GLIMPSE_E_BUSY while it is being pulled. */
int glimpse_hub_remove_installed(const char *models, const char *name);

#endif
