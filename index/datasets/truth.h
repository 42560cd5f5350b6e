/*
 * truth.h - what is right: pictures whose classes are known, and finding them again by path.
 *
 *     truth_set *truth = truth_read("labels.csv", NULL);
 *     truth_index *index = truth_index_make(truth);
 *     size_t at;
 *     if (truth_find(index, "/data/shots/cat-1.jpg", 0, &at)) ...
 *
 * A folder is an ImageFolder: every folder in it is a class, every picture below that belongs to
 * it, %XX in a folder name stands for a byte (as glimpse writes it); pictures in the folder _none
 * show none of the classes. A file is a table with the
 * columns path (or file, filename, file_name, image) and class (or label, category); a column
 * `classes` or `labels` holds any number of classes separated by |. Several rows of one path are
 * several classes of one picture. A picture with an empty class has none: it shows none of the
 * classes.
 *
 * The same picture: paths are compared after being made absolute and following links. Relative
 * paths of a table begin at the table's own folder (or `root`). When nothing at all is found that
 * way (the pictures were moved), a caller may ask again by endings: "cats/1.jpg" fits
 * "/mnt/new/cats/1.jpg".
 */
#ifndef GLIMPSE_TOOLS_TRUTH_H
#define GLIMPSE_TOOLS_TRUTH_H

#include <stddef.h>

#define TRUTH_NONE "_none"

typedef struct truth_picture {
    char *given;     /* as written in the table, or below the ImageFolder */
    char *path;      /* where that is */
    size_t *classes; /* [class_count] places in truth_set.classes, ascending, no repeats */
    size_t class_count;
} truth_picture;

typedef struct truth_set {
    truth_picture *pictures; /* [count], in the order of the table or of names */
    size_t count;
    char **classes; /* [class_count], sorted */
    size_t class_count;
    size_t several; /* pictures with more than one class */
    size_t none;    /* pictures with no class */
} truth_set;

/* NULL after saying why. `root` may be NULL. */
truth_set *truth_read(const char *folder_or_table, const char *root);
void truth_free(truth_set *truth);
/* The place of a class, or SIZE_MAX. */
size_t truth_class(const truth_set *truth, const char *name);

typedef struct truth_index truth_index;
truth_index *truth_index_make(const truth_set *truth);
void truth_index_free(truth_index *index);
/* 1 with *at set when the truth has the picture. */
int truth_find(const truth_index *index, const char *path, int by_ending, size_t *at);

/* Absolute, without . and .. and links where the file exists. Free it. */
char *path_settle(const char *path);

/* Folder names for classes: any name, "a/b" and ".." and "" among them, as one plain folder name
 * that torchvision and shells take; and back. Free them. */
char *class_to_folder(const char *name);
char *class_from_folder(const char *folder);

#endif
