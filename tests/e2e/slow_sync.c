/* Loaded before a leader's own libraries (LD_PRELOAD): every sync takes longer, by as many
   milliseconds as the file named by TEST_SYNC_DELAY says at that moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_first(void) {
  const char* path = getenv("TEST_SYNC_DELAY");
  FILE* file = path != NULL ? fopen(path, "r") : NULL;
  unsigned ms = 0;
  if (file == NULL) return;
  if (fscanf(file, "%u", &ms) != 1) ms = 0;
  fclose(file);
  usleep(ms * 1000);
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_first();
  return real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_first();
  return real(fd);
}
