/* search.c - index a directory and search it in words.    search LIBRARY DIRECTORY WORDS
 * cc search.c $(pkg-config --cflags --libs glimpse) -o search */
#include <glimpse/glimpse.h>
#include <stdio.h>
int main(int argc, char **argv) {
    glimpse_session *session = NULL;
    glimpse_hits *hits = NULL;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    if (argc != 4) return 2;
    const char *directory = argv[2], *words = argv[3];
    options.library = argv[1], ingest.roots = &directory, ingest.root_count = 1;
    int status = glimpse_session_open(&session, &options);
    if (status == GLIMPSE_OK) status = glimpse_session_index(NULL, session, &ingest);
    if (status == GLIMPSE_OK) status = glimpse_session_search(&hits, session, &words, 1, NULL);
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        printf("%.4f %s\n", glimpse_hits_get(hits, i)->score, glimpse_hits_get(hits, i)->path);
    if (status < 0) fprintf(stderr, "search: %s\n", glimpse_last_error());
    glimpse_hits_free(hits), glimpse_session_close(session);
    return status < 0;
}
