/* Makes reads of one file go wrong: for tests/faults.rs, which compiles it and loads it with LD_PRELOAD.
 *
 * FAULT_FILE  the file; every handle that leads to it counts
 * FAULT_AT    the number of the read, from 1, at which it happens
 * FAULT_DO    eio | shrink | grow | rewrite | vanish | short | interrupt
 * FAULT_MARK  a file that is made when it happened
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int reads;
static dev_t device;
static ino_t inode;

__attribute__((constructor)) static void find(void) {
    struct stat meta;
    const char *file = getenv("FAULT_FILE");
    if (file && stat(file, &meta) == 0) {
        device = meta.st_dev;
        inode = meta.st_ino;
    }
}

static int leads_there(int handle) {
    struct stat meta;
    return inode && fstat(handle, &meta) == 0 && meta.st_dev == device && meta.st_ino == inode;
}

/* What to do with this read: 0 nothing, 1 fail with errno, 2 give one byte. */
static int fault(int handle) {
    const char *what = getenv("FAULT_DO"), *at = getenv("FAULT_AT"), *file = getenv("FAULT_FILE");
    if (!what || !at || !leads_there(handle)) return 0;
    int number = ++reads;
    if (strcmp(what, "short") == 0) return 2;
    if (strcmp(what, "interrupt") == 0) {
        errno = EINTR;
        return number % 2;
    }
    if (number != atoi(at)) return 0;
    close(open(getenv("FAULT_MARK"), O_CREAT | O_WRONLY, 0600));
    struct stat meta;
    fstat(handle, &meta);
    if (strcmp(what, "eio") == 0) {
        errno = EIO;
        return 1;
    }
    if (strcmp(what, "shrink") == 0 && truncate(file, meta.st_size / 2)) return 0;
    if (strcmp(what, "vanish") == 0) unlink(file);
    int out = open(file, O_WRONLY);
    if (out >= 0) {
        char bytes[64];
        memset(bytes, 'x', sizeof bytes);
        off_t place = strcmp(what, "grow") == 0 ? meta.st_size : meta.st_size / 2;
        if (strcmp(what, "shrink") != 0 && pwrite(out, bytes, sizeof bytes, place)) {}
        close(out);
    }
    return 0;
}

ssize_t read(int handle, void *buffer, size_t count) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    int what = fault(handle);
    return what == 1 ? -1 : real(handle, buffer, what == 2 && count > 1 ? 1 : count);
}

ssize_t pread64(int handle, void *buffer, size_t count, off64_t offset) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (!real) real = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    int what = fault(handle);
    return what == 1 ? -1 : real(handle, buffer, what == 2 && count > 1 ? 1 : count, offset);
}
