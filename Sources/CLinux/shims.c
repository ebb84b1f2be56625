#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const int linux_new_network_namespace = CLONE_NEWNET;
const int linux_new_mount_namespace = CLONE_NEWNS;
const int linux_new_user_namespace = CLONE_NEWUSER;
const int linux_new_process_namespace = CLONE_NEWPID;
const int linux_new_host_name_namespace = CLONE_NEWUTS;
const int linux_new_ipc_namespace = CLONE_NEWIPC;
const int linux_new_cgroup_namespace = CLONE_NEWCGROUP;
const int linux_own_fs_attributes = CLONE_FS;

int linux_unshare(int flags) { return unshare(flags); }
int linux_setns(int fd, int type) { return setns(fd, type); }
int linux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int linux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int linux_pidfd_reap(int pidfd) {
    siginfo_t info = {0};
    const int pidfd_kind = 3; // P_PIDFD, an enumerator that older headers lack
    if (waitid((idtype_t)pidfd_kind, (id_t)pidfd, &info, WEXITED) < 0) return -1;
    return info.si_code == CLD_EXITED ? info.si_status : 256 + info.si_status;
}

pid_t linux_reap_any(int *status) {
    int word;
    pid_t pid;
    do pid = waitpid(-1, &word, 0); while (pid < 0 && errno == EINTR);
    if (pid >= 0) *status = WIFSIGNALED(word) ? 256 + WTERMSIG(word) : WEXITSTATUS(word);
    return pid;
}

void linux_return_free_memory(void) { malloc_trim(0); }

static int unmap_code(struct dl_phdr_info *object, size_t size, void *context) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
        const uintptr_t start = (object->dlpi_addr + part->p_vaddr + page - 1) & ~(page - 1);
        const uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_filesz) & ~(page - 1);
        // What was never written comes back from the file.
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1; // The first object is the program itself; enough.
}

void linux_return_code_memory(void) { dl_iterate_phdr(unmap_code, NULL); }

ssize_t linux_receive_descriptors(int socket, void *buffer, size_t size, int *descriptors, int most, int *count) {
    // The kernel passes on no more than 253 at once (SCM_MAX_FD).
    union { struct cmsghdr align; char bytes[CMSG_SPACE(253 * sizeof(int))]; } control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
    };
    *count = 0;
    const ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const size_t number = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < number; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(head) + i * sizeof(int), sizeof descriptor);
            if (*count < most) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    return length;
}

int linux_message_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

ssize_t linux_send_descriptor(int socket, const void *buffer, size_t size, int descriptor) {
    union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
int linux_memory_file(void) { return memfd_create("held", MFD_CLOEXEC); }
int linux_sync_filesystem(int fd) { return syncfs(fd); }
void linux_begin_writing_out(int fd) { sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); }

// <linux/mount.h> does not go together with <sys/mount.h>.
enum { open_tree_clone = 1, at_recursive = 0x8000, move_mount_from_descriptor = 4 };

int linux_clone_mounts(const char *path) {
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, open_tree_clone | at_recursive | O_CLOEXEC);
}

int linux_attach_mounts(int mounts, const char *path) {
    return (int)syscall(SYS_move_mount, mounts, "", AT_FDCWD, path, move_mount_from_descriptor);
}

int linux_is_mount_root(const char *path) {
    struct statx status;
    // What is cached will do: a network file system that does not answer must not hold us up.
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &status) < 0) return -1;
    if (!(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
        errno = ENOSYS;
        return -1;
    }
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int linux_open_directory_beneath(int parent, const char *name) {
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
    };
    return (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
}

const int linux_reference_only = O_PATH;

int linux_open_beneath(int directory, const char *path, int flags) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// One pipe for all signals. Written before the handler is installed, read only by the handler.
static volatile sig_atomic_t signal_pipe = -1;

static void report_signal(int signal) {
    int saved = errno;
    unsigned char byte = (unsigned char)signal;
    // A full pipe already wakes the reader, so a lost byte loses nothing but a repetition.
    ssize_t ignored = write(signal_pipe, &byte, 1);
    (void)ignored;
    errno = saved;
}

int linux_signal_to_pipe(int signal, int pipe) {
    signal_pipe = pipe;
    struct sigaction action = {0};
    action.sa_handler = report_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    return sigaction(signal, &action, NULL);
}

int linux_signal_default(int signal) {
    struct sigaction action = {0};
    action.sa_handler = SIG_DFL;
    return sigaction(signal, &action, NULL);
}
