/* session.c - what glimpse does, in one program: indexes a directory, finds duplicates in it and
 * searches it with a second look.    session LIBRARY DIRECTORY WORDS
 * cc session.c $(pkg-config --cflags --libs glimpse) -o session */
#include <glimpse/glimpse.h>
#include <stdio.h>

static int index_directory(glimpse_session *session, const char *directory) {
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    options.roots = &directory, options.root_count = 1;
    int status = glimpse_session_index(&report, session, &options);
    if (status == GLIMPSE_OK) printf("indexed %llu\n", (unsigned long long)report.embedded);
    return status;
}

static int find_duplicates(glimpse_session *session) {
    glimpse_dedup_report *report = NULL;
    int status = glimpse_session_dedup(&report, session, NULL); /* of the library */
    for (size_t g = 0; status == GLIMPSE_OK && g < report->group_count; g++) {
        const glimpse_dedup_group *group = &report->groups[g];
        for (size_t m = 1; m < group->count; m++)
            printf("%s of %s: %s\n", glimpse_dedup_relation_name(group->members[m].relation),
                   group->members[0].picture->path, group->members[m].picture->path);
    }
    glimpse_dedup_report_free(report);
    return status;
}

static int search(glimpse_session *session, const char *words) {
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    glimpse_hits *hits = NULL;
    options.rerank = 1;
    int status = glimpse_session_search(&hits, session, &words, 1, &options);
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        printf("%.3f %s\n", glimpse_hits_get(hits, i)->probability,
               glimpse_hits_get(hits, i)->path);
    glimpse_hits_free(hits);
    return status;
}

int main(int argc, char **argv) {
    glimpse_session *session = NULL;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    if (argc != 4) return 2;
    options.library = argv[1];
    int status = glimpse_session_open(&session, &options);
    if (status == GLIMPSE_OK) status = index_directory(session, argv[2]);
    if (status == GLIMPSE_OK) status = find_duplicates(session);
    if (status == GLIMPSE_OK) status = search(session, argv[3]);
    if (status < 0) fprintf(stderr, "session: %s\n", glimpse_last_error());
    glimpse_session_close(session);
    return status < 0;
}
