/*
 * session_support.h - a home of its own for every test, and the demo pictures beside it.
 */
#ifndef GLIMPSE_TESTS_SESSION_SUPPORT_H
#define GLIMPSE_TESTS_SESSION_SUPPORT_H

#include "support/test.h"

#include <glimpse/session.h>
#include <glimpse/session_search.h>

typedef struct fixture {
    char *directory;    /* of this test; HOME lies in it */
    char library[1100]; /* directory/library, not made yet */
    char notes[8][512]; /* what the session remarked */
    unsigned note_count;
    glimpse_session *session; /* open_session */
} fixture;

/* cmocka set-up and tear-down: *state is a fixture. No variable of the environment that a session
 * looks at is set but HOME. */
int fixture_begin(void **state);
int fixture_end(void **state);

/* Options for directory/library, the shipped data of the source tree, f32 and notes kept. */
glimpse_session_options options_for(fixture *f);
/* f->session with these options (NULL: the above). */
void open_session(fixture *f, const glimpse_session_options *options);
/* A session on the user's own library, which need not be there: one that is named must be. */
void open_own(fixture *f);
/* Indexes a directory of the demo pictures, such as "shapes", with f->session. */
void index_demo(fixture *f, const char *directory);
/* The search for `text` with f->session; fails the test when it fails. */
/* Options of a search that leaves nothing out for its relevance; of the calling thread. */
const glimpse_find_options *everything(void);
/* `options` NULL: everything(). */
glimpse_hits *search(fixture *f, const char *text, const glimpse_find_options *options);
/* The last error contains `part`. */
void assert_message(const char *part);

#endif
