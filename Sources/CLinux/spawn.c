#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs in the child of a process with many threads: async-signal-safe calls only, no allocation, no return.

struct failure { int stage; int error; };

static void __attribute__((noreturn)) give_up(int report, int stage) {
    struct failure failure = {stage, errno};
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

// Handlers would run code that is gone, and ignored or blocked signals would surprise the new program.
static void reset_signals(void) {
    struct sigaction action = {0};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// First out of the way of each other, then into place: a source may be another one's target.
static int place_descriptors(const struct linux_spawn_request *request, int *report) {
    int count = request->descriptor_count;
    int moved[16];
    if (count > 16) { errno = EINVAL; return -1; }
    if ((*report = fcntl(*report, F_DUPFD_CLOEXEC, count)) < 0) return -1;
    for (int target = 0; target < count; target++) {
        int source = request->descriptors[target];
        if (source < 0 && (source = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) return -1;
        if ((moved[target] = fcntl(source, F_DUPFD_CLOEXEC, count)) < 0) return -1;
    }
    for (int target = 0; target < count; target++)
        if (dup2(moved[target], target) < 0) return -1;
    // Belt and braces for libraries that forget O_CLOEXEC; before Linux 5.11 only the belt.
    const unsigned int close_on_exec = 1u << 2;
    syscall(SYS_close_range, (unsigned int)count, ~0u, close_on_exec);
    return 0;
}

static void __attribute__((noreturn))
run_child(const struct linux_spawn_request *request, int report, pid_t parent) {
    reset_signals();
    if (request->grouping == 2 && setsid() < 0) give_up(report, linux_spawn_group);
    if (request->grouping == 1 && setpgid(0, 0) < 0) give_up(report, linux_spawn_group);
    if (request->parent_death_signal) {
        if (prctl(PR_SET_PDEATHSIG, request->parent_death_signal) < 0)
            give_up(report, linux_spawn_death_signal);
        // The parent may have died before the request: then the signal will never come.
        if (getppid() != parent) _exit(127);
    }
    if (request->directory && chdir(request->directory) < 0) give_up(report, linux_spawn_directory);
    if (place_descriptors(request, &report) < 0) give_up(report, linux_spawn_descriptors);
    execve(request->path, request->arguments, request->environment);
    give_up(report, linux_spawn_exec);
}

pid_t linux_spawn(const struct linux_spawn_request *request, int *stage) {
    int pipe_ends[2];
    *stage = linux_spawn_fork;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0) return -1;

    // No handler of ours may run in the child before reset_signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) run_child(request, pipe_ends[1], parent);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    close(pipe_ends[1]);
    if (child < 0) {
        close(pipe_ends[0]);
        errno = fork_error;
        return -1;
    }
    // The pipe closes on exec: end of file is success.
    struct failure failure;
    ssize_t count;
    do count = read(pipe_ends[0], &failure, sizeof failure); while (count < 0 && errno == EINTR);
    close(pipe_ends[0]);
    if (count != sizeof failure) return child;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    *stage = failure.stage;
    errno = failure.error;
    return -1;
}
