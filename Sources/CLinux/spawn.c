#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

// What the child keeps for itself until its program runs, above the descriptors that it is given.
enum { report, gate, kept };

// First out of the way of each other, then into place: a source may be another one's target.
static int place_descriptors(const struct linux_spawn_request *request, int own[kept]) {
    int count = request->descriptor_count;
    int moved[16];
    if (count > 16) { errno = EINVAL; return -1; }
    for (int index = 0; index < kept; index++)
        if (own[index] >= 0 && (own[index] = fcntl(own[index], F_DUPFD_CLOEXEC, count + kept)) < 0) return -1;
    for (int target = 0; target < count; target++) {
        int source = request->descriptors[target];
        if (source < 0 && (source = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) return -1;
        if ((moved[target] = fcntl(source, F_DUPFD_CLOEXEC, count + kept)) < 0) return -1;
    }
    for (int target = 0; target < count; target++)
        if (dup2(moved[target], target) < 0) return -1;
    for (int index = 0; index < kept; index++) {
        if (own[index] < 0) {
            close(count + index);
        } else {
            if (dup3(own[index], count + index, O_CLOEXEC) < 0) return -1;
            own[index] = count + index;
        }
    }
    // Who waits at the gate must hold nothing of the parent's; for others these are the braces of libraries that
    // forget O_CLOEXEC. Before Linux 5.9 there is only the belt.
    syscall(SYS_close_range, (unsigned int)(count + kept), ~0u, 0);
    return 0;
}

// The parent says that the program may begin, or ends, which closes the other end.
static void pass(int gate) {
    char word;
    ssize_t count;
    do count = read(gate, &word, 1); while (count < 0 && errno == EINTR);
    if (count != 1) _exit(127);
}

static void __attribute__((noreturn))
run_child(const struct linux_spawn_request *request, int own[kept], pid_t parent) {
    reset_signals();
    if (request->grouping == 2 && setsid() < 0) give_up(own[report], linux_spawn_group);
    if (request->grouping == 1 && setpgid(0, 0) < 0) give_up(own[report], linux_spawn_group);
    if (request->parent_death_signal) {
        if (prctl(PR_SET_PDEATHSIG, request->parent_death_signal) < 0)
            give_up(own[report], linux_spawn_death_signal);
        // The parent may have died before the request: then the signal will never come. Whoever is the first of a
        // namespace sees no parent, and finds the gate closed.
        if (getppid() != parent && getpid() != 1) _exit(127);
    }
    if (request->directory && chdir(request->directory) < 0) give_up(own[report], linux_spawn_directory);
    if (place_descriptors(request, own) < 0) give_up(own[report], linux_spawn_descriptors);
    if (own[gate] >= 0) pass(own[gate]);
    // Being given ids has cleared it (prctl(2), PR_SET_PDEATHSIG).
    if (request->namespaces && request->parent_death_signal
        && prctl(PR_SET_PDEATHSIG, request->parent_death_signal) < 0)
        give_up(own[report], linux_spawn_death_signal);
    // Processes of its own are told of by a /proc of its own: libraries look their threads up there by number. It belongs to
    // being a new process.
    if (request->namespaces & CLONE_NEWPID && request->namespaces & CLONE_NEWNS
        && (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0
            || mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0))
        give_up(own[report], linux_spawn_fork);
    execve(request->path, request->arguments, request->environment);
    give_up(own[report], linux_spawn_exec);
}

int linux_spawn(const struct linux_spawn_request *request, struct linux_spawned *spawned) {
    int reports[2], gates[2] = {-1, -1};
    if (pipe2(reports, O_CLOEXEC) < 0) return -1;
    // A socket, since nobody is killed by a signal who speaks to a closed one.
    if (request->is_gated && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gates) < 0) {
        int error = errno;
        close(reports[0]);
        close(reports[1]);
        errno = error;
        return -1;
    }

    // No handler of ours may run in the child before reset_signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    // Without a stack of its own a clone is a fork.
    pid_t child =
        request->namespaces ? (pid_t)syscall(SYS_clone, request->namespaces | SIGCHLD, 0, 0, 0, 0) : fork();
    if (child == 0) {
        int own[kept] = {reports[1], gates[1]};
        // Or it would wait for itself.
        if (gates[0] >= 0) close(gates[0]);
        run_child(request, own, parent);
    }
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    close(reports[1]);
    if (gates[1] >= 0) close(gates[1]);
    if (child < 0) {
        close(reports[0]);
        if (gates[0] >= 0) close(gates[0]);
        errno = fork_error;
        return -1;
    }
    *spawned = (struct linux_spawned){child, reports[0], gates[0]};
    return 0;
}

int linux_spawn_finish(const struct linux_spawned *spawned, int may_begin, int *stage) {
    if (spawned->gate >= 0) {
        // It may have been killed meanwhile: then there is nobody to tell.
        if (may_begin) send(spawned->gate, "", 1, MSG_NOSIGNAL);
        close(spawned->gate);
    }
    // The pipe closes on exec: end of file is success.
    struct failure failure;
    ssize_t count;
    do count = read(spawned->report, &failure, sizeof failure); while (count < 0 && errno == EINTR);
    close(spawned->report);
    if (count != sizeof failure) {
        if (may_begin) return 0;
        failure = (struct failure){linux_spawn_gate, ECANCELED};
    }
    while (waitpid(spawned->pid, NULL, 0) < 0 && errno == EINTR) {}
    *stage = failure.stage;
    errno = failure.error;
    return -1;
}
