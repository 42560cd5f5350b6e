/*
 * index/ingest/walk_rules.c - what a walk leaves out, judged by names.
 */
#include "walk_internal.h"

#include "file_paths.h"
#include "image/format.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories that hold what programs made: thumbnails, wastebaskets, dependencies, snapshots.
 * Names beginning with a dot need no mention. */
static const char *const unwanted_directories[] = {
    "@eaDir",      "#recycle",           "#snapshot",
    "@Recycle",    "@Recently-Snapshot", "@__thumb",
    "lost+found",  "$RECYCLE.BIN",       "System Volume Information",
    "RECYCLER",    "node_modules",       "__MACOSX",
    "__pycache__", "iPod Photo Cache",
};

/* Endings that are no picture's, so that those files need not be opened to know. Sorted as
 * strcmp sorts, lower case. */
static const char *const other_endings[] = {
    "3g2",   "3gp",  "7z",     "a",       "aac",         "aae",     "ai",      "aif",    "aiff",
    "amr",   "ape",  "asf",    "avi",     "bak",         "bash",    "bat",     "blend",  "bz2",
    "c",     "cc",   "cfg",    "class",   "cmake",       "cmd",     "conf",    "cpp",    "css",
    "csv",   "cue",  "db",     "db-shm",  "db-wal",      "deb",     "desktop", "divx",   "dll",
    "dmg",   "doc",  "docx",   "dop",     "dv",          "eml",     "eps",     "epub",   "exe",
    "faiss", "flac", "flv",    "gguf",    "go",          "gpg",     "gpx",     "gz",     "h",
    "hpp",   "htm",  "html",   "ics",     "ini",         "ipynb",   "iso",     "jar",    "java",
    "js",    "json", "jsonl",  "key",     "kml",         "kra",     "lnk",     "log",    "lrcat",
    "lua",   "lz4",  "m",      "m2ts",    "m3u",         "m4a",     "m4v",     "mat",    "md",
    "md5",   "mid",  "mkv",    "mo",      "mobi",        "mov",     "mp3",     "mp4",    "mpeg",
    "mpg",   "mts",  "nksc",   "npy",     "npz",         "numbers", "o",       "odp",    "ods",
    "odt",   "ogg",  "ogv",    "onnx",    "opus",        "otf",     "pages",   "par2",   "parquet",
    "part",  "pdf",  "php",    "pickle",  "pkl",         "pl",      "plist",   "po",     "pp3",
    "ppt",   "pptx", "ps",     "pt",      "pth",         "py",      "pyc",     "rar",    "rb",
    "rpm",   "rs",   "rst",    "rtf",     "safetensors", "sh",      "sha1",    "sha256", "sig",
    "so",    "sql",  "sqlite", "sqlite3", "srt",         "sub",     "svgz",    "swf",    "swift",
    "tar",   "tex",  "tgz",    "thm",     "tmp",         "toml",    "torrent", "ts",     "tsv",
    "ttf",   "txt",  "url",    "vob",     "vtt",         "wav",     "webloc",  "webm",   "wma",
    "wmv",   "woff", "woff2",  "xcf",     "xhtml",       "xls",     "xlsx",    "xml",    "xmp",
    "xz",    "yaml", "yml",    "zip",     "zst",
};

static int compare_ending(const void *key, const void *item) {
    return strcmp(key, *(const char *const *)item);
}

int glimpse_walk_name_is_other(const char *name) {
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) return 0;
    char ending[16];
    size_t length = strlen(dot + 1);
    if (length == 0 || length >= sizeof ending) return 0;
    for (size_t i = 0; i <= length; i++) {
        char c = dot[1 + i];
        ending[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return bsearch(ending, other_endings, sizeof other_endings / sizeof other_endings[0],
                   sizeof other_endings[0], compare_ending) != NULL;
}

int glimpse_walk_is_picture(const uint8_t *head, size_t size) {
    /* What only looks like a picture, without a mark at its beginning, may be anything. */
    return glimpse_format_is_certain(glimpse_image_sniff(head, size));
}

int glimpse_walk_directory_is_unwanted(const char *name) {
    if (name[0] == '.') return 1;
    for (size_t i = 0; i < sizeof unwanted_directories / sizeof unwanted_directories[0]; i++) {
        if (strcmp(name, unwanted_directories[i]) == 0) return 1;
    }
    size_t length = strlen(name);
    return length > 7 && strcmp(name + length - 7, ".lrdata") == 0;
}

static const char *const marks[] = {".nomedia", ".noimage"};

const char *glimpse_walk_mark(int directory) {
    struct stat info;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (fstatat(directory, marks[i], &info, AT_SYMLINK_NOFOLLOW) == 0) return marks[i];
    }
    return NULL;
}

static int is_link(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

static int has_mark(const char *path) {
    const int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return 0;
    const int marked = glimpse_walk_mark(directory) != NULL;
    (void)close(directory);
    return marked;
}

/* The part of `path` below `root`, without a slash in front; "" for the root itself. */
static const char *below(const char *root, const char *path) {
    if (!glimpse_path_is_below(path, root)) return path;
    const char *rest = path + strlen(root);
    while (*rest == '/')
        rest++;
    return rest;
}

int glimpse_walk_excluded(const glimpse_walk_rules *rules, const char *root, const char *path,
                          int is_directory) {
    if (rules->exclude_count == 0) return 0;
    if (rules->base && glimpse_path_is_below(path, rules->base)) root = rules->base;
    const char *relative = below(root, path);
    const char *slash = strrchr(relative, '/');
    const char *name = slash ? slash + 1 : relative;
    for (size_t i = 0; i < rules->exclude_count; i++) {
        const char *pattern = rules->exclude[i];
        char trimmed[PATH_MAX];
        size_t length = strlen(pattern);
        if (length == 0 || length >= sizeof trimmed) continue;
        memcpy(trimmed, pattern, length + 1);
        if (length > 1 && trimmed[length - 1] == '/') {
            if (!is_directory) continue;
            trimmed[--length] = '\0';
        }
        if (trimmed[0] == '/') {
            if (fnmatch(trimmed, path, 0) == 0 || fnmatch(trimmed + 1, relative, 0) == 0) return 1;
            continue;
        }
        const char *plain = trimmed;
        if (strncmp(plain, "./", 2) == 0) plain += 2;
        if (fnmatch(plain, name, 0) == 0 || fnmatch(plain, relative, 0) == 0) return 1;
    }
    return 0;
}

int glimpse_walk_passes_by(const glimpse_walk_rules *rules, const char *root, const char *path) {
    if (!glimpse_path_is_below(path, root)) return 0;
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part) return 1;
    memcpy(part, path, length + 1);
    char *at = part + (below(root, path) - path);
    while (*at) {
        char *end = strchr(at, '/');
        if (end) *end = '\0';
        if (glimpse_walk_directory_is_unwanted(at) || glimpse_walk_excluded(rules, root, part, 1) ||
            (!rules->follow_links && is_link(part)) ||
            (!rules->include_nomedia && has_mark(part))) {
            return 1;
        }
        if (!end) break;
        *end = '/';
        at = end + 1;
        while (*at == '/')
            at++;
    }
    return 0;
}
