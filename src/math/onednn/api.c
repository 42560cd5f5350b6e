/*
 * math/onednn/api.c - loads oneDNN's library when it is first needed, and says what it can do on
 * this machine.
 */
#include "math/onednn/api.h"

#include "core/cpu.h"
#include "core/dynlib.h"
#include "core/error.h"

#include <omp.h>

glimpse_dnnl_api glimpse_dnnl;

static void version(unsigned found[3]) {
    const dnnl_version_t *v = glimpse_dnnl.version();
    found[0] = (unsigned)v->major;
    found[1] = (unsigned)v->minor;
    found[2] = (unsigned)v->patch;
}

static const char *start(void) {
    if (glimpse_dnnl.engine_create(&glimpse_dnnl.engine, dnnl_cpu, 0) != dnnl_success) {
        return "it makes no engine for this CPU";
    }
    glimpse_dnnl.isa = glimpse_dnnl.get_effective_cpu_isa();
    return NULL;
}

static const glimpse_dynlib_symbol symbols[] = {
#define SYMBOL(name) GLIMPSE_DYNLIB_SYMBOL("dnnl_" #name, glimpse_dnnl.name),
    GLIMPSE_DNNL_CALLS(SYMBOL)
#undef SYMBOL
        {0},
};
static glimpse_dynlib library = {
    .name = "oneDNN",
    .package = "libdnnl2",
    .files = {"libdnnl.so.2"},
    .symbols = symbols,
    .version = version,
    .min_version = {2, 6, 0},
    .start = start,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
};

int glimpse_onednn_available(void) {
    return glimpse_dynlib_load(&library);
}

int glimpse_onednn_missing(void) {
    return glimpse_dynlib_fail(&library, "products on this backend need");
}

/* The CPU is asked first: a machine without AVX-512 does not even load the library. Sets of
 * instructions are sets of bits, so that AVX2 with VNNI is not taken for AVX-512. */
static int has_isa(dnnl_cpu_isa_t wanted) {
    return glimpse_cpu_has(GLIMPSE_CPU_AVX512) && glimpse_onednn_available() &&
           ((unsigned)glimpse_dnnl.isa & (unsigned)wanted) == (unsigned)wanted;
}

int glimpse_onednn_multiplies_bf16(void) {
    return has_isa(dnnl_cpu_isa_avx512_core);
}

int glimpse_onednn_fast_bf16(void) {
    return has_isa(dnnl_cpu_isa_avx512_core_bf16);
}

int glimpse_onednn_fast_int8(void) {
    return has_isa(dnnl_cpu_isa_avx512_core_vnni);
}

int glimpse_onednn_failed(dnnl_status_t status, const char *what) {
    if (status == dnnl_out_of_memory)
        return glimpse_fail(GLIMPSE_E_NOMEM, "oneDNN: out of memory in %s", what);
    return glimpse_fail(status == dnnl_unimplemented ? GLIMPSE_E_UNSUPPORTED : GLIMPSE_E_INTERNAL,
                        "oneDNN: %s failed with status %d", what, (int)status);
}

int glimpse_onednn_stream_create(dnnl_stream_t *out) {
    dnnl_status_t status =
        glimpse_dnnl.stream_create(out, glimpse_dnnl.engine, dnnl_stream_default_flags);
    return status == dnnl_success ? GLIMPSE_OK : glimpse_onednn_failed(status, "creating a stream");
}

int glimpse_onednn_one_thread(void) {
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

dnnl_data_type_t glimpse_onednn_type(glimpse_element element) {
    return element == GLIMPSE_ELEMENT_BF16 ? dnnl_bf16 : dnnl_f32;
}
