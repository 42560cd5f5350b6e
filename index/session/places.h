/*
 * places.h - where a user's things are, and what ships with glimpse.
 *
 * The environment is read once, by glimpse_places_init; after that nothing here looks at it.
 */
#ifndef GLIMPSE_SESSION_PLACES_H
#define GLIMPSE_SESSION_PLACES_H

typedef struct session_places {
    char *shipped;     /* the one directory of what ships, when the program said so, else NULL */
    char *user_data;   /* ${XDG_DATA_HOME:-~/.local/share}/glimpse; NULL without a home */
    char *user_config; /* ${XDG_CONFIG_HOME:-~/.config}/glimpse; NULL without a home */
    char *models;      /* user_data/models */
    char *directory;   /* the working directory of that moment; NULL: it has no name any more */
} session_places;

int glimpse_places_init(session_places *places, const char *shipped);
void glimpse_places_free(session_places *places);

/* malloc'ed, printf style; NULL when out of memory. */
char *glimpse_session_format(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/* The environment's value, NULL when it is not set or empty. */
const char *glimpse_places_environment(const char *name);
int glimpse_places_is_directory(const char *path);
/* `name` as a path from places->directory, malloc'ed, when it is a directory's; else NULL. */
char *glimpse_places_directory(const session_places *places, const char *name);
/* 1 when the directory has a model's configuration file. */
int glimpse_places_is_model(const char *directory);

/* malloc'ed path of what ships as `relative`, a file that can be read or a directory; NULL when it
 * is not there, and for a path that leads elsewhere ("..", "/"). */
char *glimpse_places_shipped(const session_places *places, const char *relative);
/* The same for a model's directory, such as "models/demo". */
char *glimpse_places_shipped_model(const session_places *places, const char *relative);

#endif
