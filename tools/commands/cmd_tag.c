/*
 * cmd_tag.c - glimpse tag: a person's own tags, favourites among them.
 */
#include "collect.h"

static const cli_command tag_add, tag_remove, tag_list, tag_rename, tag_delete;

static int run_add(int argc, char **argv) {
    return collect_change(&tag_add, GLIMPSE_COLLECTION_TAG, 0, argc, argv);
}
static const cli_command tag_add = {
    "tag add",
    "NAME FILE... | NAME... -- FILE... | NAME... --where EXPR",
    "give pictures a tag",
    "Gives the pictures the tag, or all of several tags: names in front of --, files behind it. "
    "Without -- the first word is the tag and the others are files. The pictures may be paths, "
    "ids, what the filters let through, or come on standard input. A picture has its tags whatever "
    "becomes of its files. Slashes in a name make a hierarchy: people/Ann.\n\n"
    "A favourite is a picture with the tag favourite. Exit code 3 when some of the files are not "
    "in the library; the others are tagged.",
    "  glimpse tag add beach 2024/*.jpg\n"
    "  glimpse tag add people/Ann trips/Norway -- a.jpg b.jpg\n"
    "  glimpse tag add favourite --rating 5\n"
    "  glimpse search sunset --paths | glimpse tag add sunset --stdin\n",
    run_add,
};

static int run_remove(int argc, char **argv) {
    return collect_change(&tag_remove, GLIMPSE_COLLECTION_TAG, 1, argc, argv);
}
static const cli_command tag_remove = {
    "tag remove",
    "NAME FILE... | NAME... -- FILE... | NAME... --where EXPR",
    "take a tag from pictures",
    "Takes the tag, or all of several, from the pictures, which are named as for glimpse tag add. "
    "A tag that no picture has any more is gone.",
    "  glimpse tag remove beach a.jpg\n"
    "  glimpse tag remove draft --where \"rating >= 4\"\n",
    run_remove,
};

static int run_list(int argc, char **argv) {
    return collect_list(&tag_list, GLIMPSE_COLLECTION_TAG, argc, argv);
}
static const cli_command tag_list = {
    "tag list",
    "[FILE...]",
    "list tags",
    "Lists all tags with how many pictures have them, or those of each file. Exit code 1 when "
    "there are none, 3 when some of the files are not in the library.",
    "  glimpse tag list\n"
    "  glimpse tag list a.jpg b.jpg --json\n",
    run_list,
};

static int run_rename(int argc, char **argv) {
    return collect_rename(&tag_rename, GLIMPSE_COLLECTION_TAG, argc, argv);
}
static const cli_command tag_rename = {
    "tag rename",
    "OLD NEW",
    "give a tag another name",
    "Renames the tag and those below it: people to family makes family/Ann of people/Ann. Refused "
    "when there is a tag of that name already.",
    "  glimpse tag rename beach trips/beach\n",
    run_rename,
};

static int run_delete(int argc, char **argv) {
    return collect_one(&tag_delete, GLIMPSE_COLLECTION_TAG, 0, argc, argv);
}
static const cli_command tag_delete = {
    "tag delete",
    "NAME",
    "take a tag from all pictures",
    "Takes the tag from all pictures, also from those that no file shows any more. Tags below it "
    "stay.",
    "  glimpse tag delete draft\n",
    run_delete,
};

static int run(int argc, char **argv) {
    static const cli_command *const parts[] = {&tag_add, &tag_remove, &tag_list, &tag_rename,
                                               &tag_delete};
    return collect_dispatch(&cmd_tag, parts, sizeof parts / sizeof parts[0], argc, argv);
}

const cli_command cmd_tag = {
    "tag",
    "add|remove|list|rename|delete ...",
    "give pictures tags of your own, favourites among them",
    "Tags are kept by picture: they survive moving, renaming and copying of files, and pictures "
    "that are missing for a while. A filter asks for them: --tag NAME, tag = NAME, has(tag), "
    "has(favourite). Each part has its own --help.",
    "  glimpse tag add beach 2024/*.jpg\n"
    "  glimpse tag add favourite --rating 5\n"
    "  glimpse list --tag beach\n"
    "  glimpse tag list\n",
    run,
};
