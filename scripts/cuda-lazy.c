/* Lazy-binding entry points of CUDA's libraries for x86-64 (System V): each loads its library on the first call.
 *
 * candle links CUDA dynamically, so a program does not start where a library is missing. Linked with these entry points
 * instead, it starts everywhere. An entry point jumps through its slot, which first holds the address of the loader and
 * then that of the library's function. If the library or the function is missing, the call returns the library's status
 * for "not initialized", which samestory recognizes (src/device/gpu.rs).
 *
 *     cuInit: jmp *slot  ->  loader: save registers, dlopen, dlsym, set the slot  ->  the function, or a failure status
 *
 * scripts/build-cuda writes entries.def: ENTRY(cuInit, cu) and so on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

struct library {
    const char *file;
    /* Returns a failure in the library's own status type. */
    int (*failure)(void);
};

static int no_driver(void) { return 303; }  /* CUDA_ERROR_SHARED_OBJECT_INIT_FAILED */
static int no_cublas(void) { return 1; }    /* CUBLAS_STATUS_NOT_INITIALIZED */
static int no_curand(void) { return 203; }  /* CURAND_STATUS_INITIALIZATION_FAILED */
static int no_nvrtc(void) { return 11; }    /* NVRTC_ERROR_INTERNAL_ERROR */
static const char *no_text(void) { return "the CUDA library is not installed"; }

static const struct library cu = {"libcuda.so.1", no_driver};
static const struct library cublas = {"libcublas.so." TEXT(CUDA_MAJOR), no_cublas};
static const struct library cublasLt = {"libcublasLt.so." TEXT(CUDA_MAJOR), no_cublas};
/* cuRAND has version numbers of its own: 10 with CUDA 11 to 13. */
static const struct library curand = {"libcurand.so.10", no_curand};
static const struct library nvrtc = {"libnvrtc.so." TEXT(CUDA_MAJOR), no_nvrtc};

/* Stands for candle's kernels that scripts/build-cuda omits. Returning would mean continuing with wrong numbers. */
static int no_kernel(void) {
    fputs("samestory: candle's kernels for quantized models and mixtures of experts are not in this build\n", stderr);
    abort();
}
static const struct library unused = {NULL, no_kernel};

struct entry {
    void *slot;
    const char *name;
    const struct library *library;
};

/* Resolves `entry`. Concurrent calls find and store the same address. */
__attribute__((used)) static void *samestory_load(struct entry *entry) {
    const char *file = entry->library->file;
    void *library = file ? dlopen(file, RTLD_NOW | RTLD_GLOBAL) : NULL;
    void *function = library ? dlsym(library, entry->name) : NULL;
    if (function) {
        __atomic_store_n(&entry->slot, function, __ATOMIC_RELEASE);
        return function;
    }
    /* These return a string, not a status. */
    if (strstr(entry->name, "GetStatus") || !strcmp(entry->name, "nvrtcGetErrorString")) return (void *)no_text;
    return (void *)entry->library->failure;
}

__asm__(
    ".text\n"
    "samestory_lazy:\n" /* r11: the entry */
    "  push %rdi\n  push %rsi\n  push %rdx\n  push %rcx\n  push %r8\n  push %r9\n  push %rax\n"
    "  sub $128, %rsp\n"
    "  movups %xmm0, 0(%rsp)\n  movups %xmm1, 16(%rsp)\n  movups %xmm2, 32(%rsp)\n  movups %xmm3, 48(%rsp)\n"
    "  movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n  movups %xmm6, 96(%rsp)\n  movups %xmm7, 112(%rsp)\n"
    "  mov %r11, %rdi\n"
    "  call samestory_load\n"
    "  mov %rax, %r11\n"
    "  movups 0(%rsp), %xmm0\n  movups 16(%rsp), %xmm1\n  movups 32(%rsp), %xmm2\n  movups 48(%rsp), %xmm3\n"
    "  movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n  movups 96(%rsp), %xmm6\n  movups 112(%rsp), %xmm7\n"
    "  add $128, %rsp\n"
    "  pop %rax\n  pop %r9\n  pop %r8\n  pop %rcx\n  pop %rdx\n  pop %rsi\n  pop %rdi\n"
    "  jmp *%r11\n");

#define ENTRY(name, library)                                                                                          \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n  jmp *samestory_entry_" #name        \
            "(%rip)\nsamestory_lazy_" #name ":\n  lea samestory_entry_" #name "(%rip), %r11\n  jmp samestory_lazy\n"); \
    extern char samestory_lazy_##name[] __attribute__((visibility("hidden")));                                       \
    __attribute__((used)) static struct entry samestory_entry_##name = {samestory_lazy_##name, #name, &library};
#include "entries.def"
