/*
 * math/onednn/api.c - loads oneDNN's library when it is first needed, and says what it can do on
 * this machine.
 */
#include "math/onednn/api.h"

#include "core/cpu.h"
#include "core/error.h"

#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <string.h>

glimpse_dnnl_api glimpse_dnnl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int loaded;

static void load(void) {
    void *library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    int complete = 1;
#define LOAD(name)                                    \
 do {                                                 \
  void *symbol = dlsym(library, "dnnl_" #name);       \
  memcpy(&glimpse_dnnl.name, &symbol, sizeof symbol); \
  complete = complete && symbol;                      \
 } while (0);
    GLIMPSE_DNNL_CALLS(LOAD)
#undef LOAD
    if (!complete ||
        glimpse_dnnl.engine_create(&glimpse_dnnl.engine, dnnl_cpu, 0) != dnnl_success) {
        (void)dlclose(library);
        return;
    }
    glimpse_dnnl.isa = glimpse_dnnl.get_effective_cpu_isa();
    loaded = 1;
}

int glimpse_onednn_available(void) {
    (void)pthread_once(&once, load);
    return loaded;
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

int glimpse_onednn_one_thread(void) {
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

dnnl_data_type_t glimpse_onednn_type(glimpse_element element) {
    return element == GLIMPSE_ELEMENT_BF16 ? dnnl_bf16 : dnnl_f32;
}
