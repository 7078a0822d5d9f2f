/* Preloaded before libc: the n-th call of one name on a file below a folder fails, or is cut short by the end of the process.
 *
 * attack() says which; calls() counts. A failed fsync loses what was written since the last one that went well, as Linux does:
 * those bytes become zeros. Only regular files and folders below the folder count; nothing else is touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#undef _FILE_OFFSET_BITS

#define FILES 4096
static char folder[4096], wanted[32];
static int at, error, cut = -1, for_good; /* for_good: whatever would take the failed call back fails as well */
static int count;
static off_t forced[FILES]; /* by descriptor: how many bytes an fsync has brought to the disk */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

void attack(const char *below, const char *call, int nth, int number, int bytes) {
    snprintf(folder, sizeof folder, "%s", below);
    snprintf(wanted, sizeof wanted, "%s", call);
    for_good = 0;
    char *more = strchr(wanted, '+');
    if (more) *more = 0, for_good = 1;
    at = nth, error = number, cut = bytes, count = 0;
    memset(forced, 0, sizeof forced);
}

int calls(void) { return count; }

static int below(const char *path) { return *folder && path && !strncmp(path, folder, strlen(folder)); }

static int ours(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int due(const char *call) {
    if (for_good && count >= at && !strcmp(call, "ftruncate")) return 1;
    if (strcmp(call, wanted)) return 0;
    pthread_mutex_lock(&lock);
    int now = ++count == at;
    pthread_mutex_unlock(&lock);
    return now;
}

static int fails(void) {
    if (!error) kill(getpid(), SIGKILL);
    errno = error;
    return -1;
}

ssize_t write(int descriptor, const void *data, size_t size) {
    if (!ours(descriptor) || !due("write")) return REAL(write)(descriptor, data, size);
    if (cut >= 0) REAL(write)(descriptor, data, (size_t)cut < size ? (size_t)cut : size);
    return fails();
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    if (!ours(descriptor) || !due("pwrite")) return REAL(pwrite64)(descriptor, data, size, offset);
    if (cut >= 0) REAL(pwrite64)(descriptor, data, (size_t)cut < size ? (size_t)cut : size, offset);
    return fails();
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) { return pwrite64(descriptor, data, size, offset); }

int fsync(int descriptor) {
    struct stat now;
    if (!ours(descriptor) || fstat(descriptor, &now)) return REAL(fsync)(descriptor);
    if (!due("fsync")) {
        int result = REAL(fsync)(descriptor);
        if (!result && descriptor < FILES) forced[descriptor] = now.st_size;
        return result;
    }
    usleep(30000); /* a disk that fails takes its time: what arrives meanwhile waits behind */
    static const char zeros[65536];
    for (off_t lost = forced[descriptor % FILES]; S_ISREG(now.st_mode) && lost < now.st_size; lost += sizeof zeros) {
        off_t rest = now.st_size - lost;
        REAL(pwrite64)(descriptor, zeros, rest < (off_t)sizeof zeros ? rest : (off_t)sizeof zeros, lost);
    }
    return fails();
}

int ftruncate64(int descriptor, off64_t size) {
    return ours(descriptor) && due("ftruncate") ? fails() : REAL(ftruncate64)(descriptor, size);
}
int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }
int truncate64(const char *path, off64_t size) {
    return below(path) && due("ftruncate") ? fails() : REAL(truncate64)(path, size);
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }
int rename(const char *from, const char *to) { return below(to) && due("rename") ? fails() : REAL(rename)(from, to); }
int unlink(const char *path) { return below(path) && due("unlink") ? fails() : REAL(unlink)(path); }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (below(path) && due("open")) return fails();
    int descriptor = REAL(open64)(path, flags, mode);
    struct stat now;
    if (descriptor >= 0 && descriptor < FILES) forced[descriptor] = fstat(descriptor, &now) ? 0 : now.st_size;
    return descriptor;
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open64(path, flags, mode);
}
