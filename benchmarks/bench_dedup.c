/*
 * bench_dedup.c - how well and how fast duplicates are found.
 *
 *     bench_dedup quality [IMAGES]     recall per transform and precision on IMAGES/dups (dups.csv)
 *                                      among IMAGES/photos; default ../shared/images
 *     bench_dedup edits [IMAGES]       the same with edits made here from IMAGES/photos by seeded
 *                                      random numbers, so that nothing can be tuned to a file
 *     bench_dedup scale [MAX]          10,000 to MAX (default 1,000,000) made-up hashes and
 *                                      embeddings: seconds, memory, growth exponent
 *
 * Found means: in one group with the original, as the same picture. A wrong pair is a keeper and a
 * member of the same picture that come from different originals.
 */
#include "bench_dedup.h"
#include "bench.h"

#include <string.h>

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "quality";
    if (strcmp(what, "quality") == 0) {
        return bench_dedup_quality(argc > 2 ? argv[2] : "../shared/images");
    }
    if (strcmp(what, "edits") == 0) {
        return bench_dedup_edits(argc > 2 ? argv[2] : "../shared/images");
    }
    if (strcmp(what, "scale") == 0) {
        return bench_dedup_scale(argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000);
    }
    (void)fprintf(stderr, "usage: bench_dedup quality|edits [IMAGES] | scale [MAX]\n");
    return 2;
}
