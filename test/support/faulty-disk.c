/*
 * Preloaded into the daemon: the disk under its store fails as the file named by FAULTY_DISK says. "sync" and the number
 * of an error: what was written cannot be brought to the disk. "meta" and a number: only the page cannot be written that
 * makes a transaction the newest. An empty file: it works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether "sync" or "meta" is to fail, for a file of the store. */
static int fails(int fd, const char *what) {
  char text[32] = "", link[64], path[4096];
  const char *name = getenv("FAULTY_DISK");
  int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0 || strncmp(text, what, strlen(what)) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strstr(path, "/store.mdb") == NULL) return 0;
  errno = atoi(text + strlen(what));
  return 1;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

/* LMDB has a descriptor of its own for those pages. */
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0 && fails(fd, "meta")) return -1;
  return REAL(pwrite64)(fd, bytes, count, offset);
}

int fdatasync(int fd) { return fails(fd, "sync") ? -1 : REAL(fdatasync)(fd); }

int fsync(int fd) { return fails(fd, "sync") ? -1 : REAL(fsync)(fd); }
