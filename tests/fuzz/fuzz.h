/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is a file NAME.c with LLVMFuzzerTestOneInput(): it hands `data` to a parser, takes apart
 * what the parser made of it, and releases it. The sanitizers see what goes wrong with memory;
 * PROMISE() is for what a header promises beyond that. With clang and GLIMPSE_BUILD_FUZZERS,
 * libFuzzer calls it (tools/fuzz.sh); in every other build runner.c does, with the files of
 * corpus/NAME and seeded damage to them. docs/testing.md says how a target is added.
 */
#ifndef GLIMPSE_TESTS_FUZZ_H
#define GLIMPSE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, naming the promise and the place, where it does not hold. */
#define PROMISE(condition)                                               \
 do {                                                                    \
  if (!(condition)) fuzz_broken_promise(__FILE__, __LINE__, #condition); \
 } while (0)
_Noreturn void fuzz_broken_promise(const char *file, int line, const char *condition);

/* Promises what every call does: GLIMPSE_OK, or one of the statuses for bad input, with a message.
 * Being out of memory is neither: inputs are small. 1 for GLIMPSE_OK. With GLIMPSE_FUZZ_SHOW in the
 * environment the messages are printed, to see how far an input for the corpus comes. */
int fuzz_fine(int status);

/* An input that stands for several things, such as the files of a directory, has a line
 * "=== NAME" before each. */
typedef struct fuzz_part {
    const char *name;
    size_t name_length;
    const uint8_t *data; /* up to the newline before the next line of that form, or at the end */
    size_t size;
} fuzz_part;
enum { FUZZ_PARTS = 8 }; /* of one input at most; what follows belongs to the last */
size_t fuzz_split(fuzz_part parts[FUZZ_PARTS], const uint8_t *data, size_t size);
int fuzz_is(const fuzz_part *part, const char *name);
/* A copy that ends in NUL, at its very end, so that the sanitizer sees who reads on; free it. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A directory of this process, empty at first and removed at its end. */
const char *fuzz_directory(void);
/* Its file `name`: to be freed. */
char *fuzz_path(const char *name);
void fuzz_write(const char *name, const void *data, size_t size);
/* Writes the parts that are called as one of `names` (ended by NULL), and none of the others. */
void fuzz_write_parts(const fuzz_part *parts, size_t count, const char *const *names);
void fuzz_remove(const char *const *names);

#endif
