/* session.c - what glimpse does, in one program: indexes a directory, labels its pictures, finds
 * duplicates and searches with a second look.    session LIBRARY DIRECTORY CLASSES WORDS
 * cc session.c $(pkg-config --cflags --libs glimpse) -o session */
#include <glimpse/glimpse.h>
#include <stdio.h>

static int print_label(void *user, const glimpse_labelled *picture) {
    (void)user;
    if (picture->problem) return 0;
    const glimpse_label *best = &picture->labels[0];
    printf("%s %s\n", picture->set->classes[best->class_index].name, picture->path);
    return 0;
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
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_labeller_options labelling = GLIMPSE_LABELLER_OPTIONS_INIT;
    if (argc != 5) return 2;
    const char *directory = argv[2];
    options.library = argv[1], labelling.classes = argv[3];
    ingest.roots = &directory, ingest.root_count = 1;
    int status = glimpse_session_open(&session, &options);
    if (status == GLIMPSE_OK) status = glimpse_session_index(NULL, session, &ingest);
    if (status == GLIMPSE_OK)
        status = glimpse_session_label_library(NULL, session, NULL, &labelling, print_label, NULL);
    if (status == GLIMPSE_OK) status = find_duplicates(session);
    if (status == GLIMPSE_OK) status = search(session, argv[4]);
    if (status < 0) fprintf(stderr, "session: %s\n", glimpse_last_error());
    glimpse_session_close(session);
    return status < 0;
}
