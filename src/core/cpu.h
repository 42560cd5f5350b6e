/*
 * core/cpu.h - what the CPU at hand can do and the system lets it do.
 */
#ifndef GLIMPSE_CORE_CPU_H
#define GLIMPSE_CORE_CPU_H

typedef enum glimpse_cpu_set {
    GLIMPSE_CPU_F16C,   /* f16 to and from f32, on AVX's registers */
    GLIMPSE_CPU_AVX2,   /* with FMA and F16C, as every CPU that has it */
    GLIMPSE_CPU_AVX512, /* F, BW, VL and DQ */
} glimpse_cpu_set;

/* 1 or 0; 0 for all of them on anything but x86-64. Cheap: the CPU is asked once. */
int glimpse_cpu_has(glimpse_cpu_set set);

#endif
