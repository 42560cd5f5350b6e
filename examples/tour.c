/* tour.c - on one session: a directory is indexed while two threads search, then labelled, searched
 * for duplicates, and a query is looked at again by a vision-language model.
 *     tour LIBRARY DIRECTORY CLASSES WORDS     tour photos.glimpse ~/Pictures cat,dog "a red kite"
 */
#include <glimpse/glimpse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static glimpse_session *session;
static const char *words;
static atomic_int indexed, done;

static void *search_meanwhile(void *unused) {
    while (!atomic_load(&indexed)) {
        glimpse_hits *hits = NULL; /* while there is no library: a status, and no hits */
        if (!glimpse_session_search(&hits, session, &words, 1, NULL)) atomic_fetch_add(&done, 1);
        glimpse_hits_free(hits);
    }
    return unused;
}

static int print_label(void *user, const glimpse_labelled *p) {
    (void)user;
    if (p->count > 0) printf("%s: %s\n", p->path, p->set->classes[p->labels[0].class_index].name);
    return 0;
}

int main(int argc, char **argv) {
    pthread_t threads[2];
    glimpse_hits *hits = NULL;
    glimpse_dedup_report *duplicates = NULL;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_labeller_options label = GLIMPSE_LABELLER_OPTIONS_INIT;
    glimpse_find_options find = GLIMPSE_FIND_OPTIONS_INIT;
    if (argc != 5) return 2;
    const char *directory = argv[2];
    options.library = argv[1], label.classes = argv[3], words = argv[4];
    ingest.roots = &directory, ingest.root_count = 1, find.rerank = 1;
    if (glimpse_session_open(&session, &options) < 0) return 1;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, search_meanwhile, NULL) != 0) return 1;
    int status = glimpse_session_index(NULL, session, &ingest);
    atomic_store(&indexed, 1);
    pthread_join(threads[0], NULL), pthread_join(threads[1], NULL);
    printf("%d searches meanwhile\n", atomic_load(&done));
    if (!status)
        status = glimpse_session_label(NULL, session, &directory, 1, &label, print_label, NULL);
    if (!status) status = glimpse_session_dedup(&duplicates, session, NULL);
    if (!status) status = glimpse_session_search(&hits, session, &words, 1, &find);
    if (duplicates) printf("%zu groups of duplicates\n", duplicates->group_count);
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        printf("%.3f %s\n", glimpse_hits_get(hits, i)->probability,
               glimpse_hits_get(hits, i)->path);
    if (status < 0) (void)fprintf(stderr, "tour: %s\n", glimpse_last_error());
    glimpse_dedup_report_free(duplicates), glimpse_hits_free(hits), glimpse_session_close(session);
    return status < 0;
}
