// Errors, the environment a host gives to Hadal, and what every other header needs.
#ifndef HADAL_BASE_H
#define HADAL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HD_VERSION_MAJOR 0
#define HD_VERSION_MINOR 1
#define HD_VERSION_PATCH 0

#if defined(__GNUC__)
#define HD_API __attribute__((visibility("default")))
#define HD_NODISCARD __attribute__((warn_unused_result))
#define HD_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define HD_API
#define HD_NODISCARD
#define HD_PRINTF(text, first)
#endif

// Options structs are passed by value through a macro of the function's name, so that a call reads
// hd_dense(x, .units = 64). Zero means default. `use_names` catches positional misuse.
#ifdef __cplusplus
#define HD_Z \
  {}
#define HD_LIT(T) T
#else
#define HD_Z
#define HD_LIT(T) (T)
#endif
#define HD_HEAD_(x, ...) (x)
#define HD_TAIL_(x, ...) __VA_ARGS__
#define HD_HEAD2_(x, y, ...) (x), (y)
#define HD_TAIL2_(x, y, ...) __VA_ARGS__
#define HD_HEAD3_(x, y, z, ...) (x), (y), (z)
#define HD_TAIL3_(x, y, z, ...) __VA_ARGS__
#define HD_HEAD4_(x, y, z, u, ...) (x), (y), (z), (u)
#define HD_TAIL4_(x, y, z, u, ...) __VA_ARGS__
typedef struct hd_named hd_named;  // never defined: only its null pointer exists
#define HD_OPTIONS \
  char hd_z HD_Z; \
  hd_named *use_names HD_Z  // the first fields of every options struct

#ifdef __cplusplus
extern "C" {
#endif

// "0.1.0". The soname carries the major version; before 1.0 it carries the minor one as well.
HD_API const char *hd_version(void);

typedef enum hd_status {
  HD_OK = 0,
  HD_E_ARGUMENT,     // the call itself was wrong
  HD_E_SHAPE,        // shapes or types do not fit
  HD_E_MEMORY,       // an allocation failed
  HD_E_IO,           // the operating system refused: text holds the path and its reason
  HD_E_FORMAT,       // a file does not hold what its format promises
  HD_E_LIMIT,        // a stated limit was passed
  HD_E_NOT_FOUND,    // no such name, file or entry
  HD_E_DIVERGED,     // NaN or infinity during training
  HD_E_STOPPED,      // a callback or a signal asked to stop
  HD_E_UNSUPPORTED,  // known, but not built in or not possible here
  HD_E_INTERNAL      // a bug of Hadal: please report it
} hd_status;

// Caller-owned; every `hd_error *` parameter may be NULL. Written only on failure.
typedef struct hd_error {
  hd_status status;
  char text[1000];
} hd_error;

// "out of memory", "bad format" ...: a few words for a status.
HD_API const char *hd_status_text(hd_status status);

// The thirteen calls through which Hadal touches the file system. Each returns 0 or a byte count,
// or a negated errno. NULL in hd_env means POSIX. Tests replace it to make every call fail.
typedef struct hd_io {
  void *user;
  int (*open_read)(void *user, const char *path);                // -> handle >= 0
  int (*open_write)(void *user, const char *path, bool append);  // creates; truncates unless append
  int64_t (*read)(void *user, int handle, void *to, size_t bytes);
  int64_t (*write)(void *user, int handle, const void *from, size_t bytes);
  int64_t (*size)(void *user, int handle);
  int (*truncate)(void *user, int handle, int64_t bytes);
  int (*sync)(void *user, int handle);
  int (*close)(void *user, int handle);
  int (*rename)(void *user, const char *from, const char *to);
  int (*remove)(void *user, const char *path);
  int (*make_dir)(void *user, const char *path);
  int (*sync_dir)(void *user, const char *path);
  // Calls see(arg, name, is it a folder) for every entry but "." and "..", in any order.
  int (*list)(void *user, const char *path, void (*see)(void *arg, const char *name, bool folder),
              void *arg);
} hd_io;

// Sums over processes: what MPI, or anything else, implements for data parallel training.
// `exchange` gives every rank the bytes of all ranks, rank r's at to + r * bytes. 0 is success.
typedef struct hd_comm {
  void *user;
  int rank, ranks;
  int (*exchange)(void *user, const void *from, void *to, size_t bytes);
} hd_comm;

typedef void hd_task(void *arg, int64_t part);  // runs part number `part`; parts are independent

typedef enum hd_log_level { HD_LOG_INFO = 0, HD_LOG_WARNING } hd_log_level;

// What the host lends. Every field may be zero. Copied by the `_new` functions that take it; what
// its pointers point at must outlive the object. No field is read from the process environment.
typedef struct hd_env {
  void *user;                                                     // handed to the four hooks below
  void *(*alloc)(void *user, size_t align, size_t bytes);         // NULL: aligned_alloc
  void (*free)(void *user, void *block);                          // NULL: free
  void (*log)(void *user, hd_log_level level, const char *text);  // NULL: silent
  void (*parallel)(void *user, int64_t parts, hd_task *task, void *arg);  // NULL: own threads
  const hd_io *io;                                                        // NULL: POSIX
  const hd_comm *comm;                                                    // NULL: alone
  struct hd_memory *memory;                                               // NULL: not counted
  int threads;      // 0: one per core this process may use
  const char *cpu;  // NULL: best; else "baseline", "avx2", "avx512", "avx512bf16" or "amx"
} hd_env;

// Bytes asked of the allocator: now, and at the highest; and the number of calls so far.
// Caller-owned, zeroed by the caller; updated atomically by every object made with it.
typedef struct hd_memory {
  int64_t bytes, peak, calls;
} hd_memory;

#ifdef __cplusplus
}
#endif
#endif
