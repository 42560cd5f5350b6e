/* search.c - index a folder and search it in words.    search MODEL LIBRARY FOLDER WORDS
 * cc search.c $(pkg-config --cflags --libs glimpse) -o search */
#include <glimpse/glimpse.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const char *folder = argv[3], *words = argv[4];
    glimpse_model *model = NULL;
    glimpse_library *library = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_results *results = NULL;
    float *vector = NULL;
    int status = glimpse_model_open(&model, argv[1], NULL);
    if (status == GLIMPSE_OK)
        status = glimpse_library_open(&library, argv[2], GLIMPSE_LIBRARY_CREATE);
    if (status == GLIMPSE_OK) {
        glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
        glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
        options.model = model, options.roots = &folder, options.root_count = 1;
        status = glimpse_library_ingest(&report, library, &options);
    }
    if (status == GLIMPSE_OK) status = glimpse_encoder_create(&encoder, model, 1);
    if (status == GLIMPSE_OK) {
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        options.k = 5;
        vector = calloc(glimpse_model_embedding_size(model), sizeof *vector);
        if (vector) status = glimpse_encoder_texts(vector, NULL, encoder, &words, 1, 0);
        if (status == GLIMPSE_OK)
            status = glimpse_library_search(&results, library, model, vector, &options);
    }
    for (size_t i = 0; i < glimpse_results_count(results); i++) {
        const glimpse_result *result = glimpse_results_get(results, i);
        printf("%.4f %s\n", result->score, result->path);
    }
    if (status < 0) fprintf(stderr, "search: %s\n", glimpse_last_error());
    glimpse_results_free(results), free(vector), glimpse_encoder_free(encoder);
    glimpse_library_close(library), glimpse_model_close(model);
    return status < 0;
}
