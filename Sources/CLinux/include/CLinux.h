// What Swift cannot import of Linux by itself: variadic calls, macros, GNU-only declarations, and the half of
// starting a process that runs between fork and exec. Every function keeps libc's manners: -1 and errno on
// failure.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h> // before the kernel's headers, which then leave out what it defines
#include <sys/epoll.h>
#include <sys/types.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

// Namespaces.
int linux_unshare(int flags);
int linux_setns(int fd, int type);
extern const int linux_new_network_namespace;
extern const int linux_new_mount_namespace;
extern const int linux_new_user_namespace, linux_new_process_namespace, linux_new_host_name_namespace;
extern const int linux_new_ipc_namespace, linux_new_cgroup_namespace;
extern const int linux_own_fs_attributes;
// Makes an eventfd or an epoll descriptor, close-on-exec and non-blocking.
int linux_eventfd(void);

// Processes.
int linux_pidfd_open(pid_t pid);
int linux_pidfd_send_signal(int pidfd, int signal);
// waitid(P_PIDFD) for an ended child: its exit code, or 256 + the signal that ended it; -1 and errno.
int linux_pidfd_reap(int pidfd);

struct linux_spawn_request {
    const char *path;
    char *const *arguments;      // NULL at the end
    char *const *environment;    // NULL at the end
    const char *directory;       // NULL: the caller's
    const int *descriptors;      // the child's 0 ..< descriptor_count; -1 is /dev/null
    int descriptor_count;
    int grouping;                // 0 the caller's, 1 own process group, 2 own session
    int parent_death_signal;     // 0: none
    int is_gated;                // the program begins when linux_spawn_finish says so
    int namespaces;              // linux_new_... together: the child begins in new ones; 0: none
};
// A child between fork and exec, and our ends of the descriptors that it has for itself; gate may be -1.
struct linux_spawned { pid_t pid; int report; int gate; };
// The stage that failed, for the message a person reads.
enum linux_spawn_stage {
    linux_spawn_fork, linux_spawn_group, linux_spawn_death_signal, linux_spawn_directory,
    linux_spawn_descriptors, linux_spawn_exec, linux_spawn_gate
};
// Begins to start a process. One that is gated never runs its program if this process ends before it has said so.
int linux_spawn(const struct linux_spawn_request *request, struct linux_spawned *spawned);
// Waits until the child runs the program or has failed to: -1 and errno, *stage says where. One that may not begin
// has ended then. To be called once.
int linux_spawn_finish(const struct linux_spawned *spawned, int may_begin, int *stage);

// Signals: from now on each arrival writes its number, one byte, into the pipe. Async-signal-safe by design.
int linux_signal_to_pipe(int signal, int pipe);
int linux_signal_default(int signal);

// Memory: gives pages that the allocator holds but nobody uses back to the system.
void linux_return_free_memory(void);
void linux_return_code_memory(void);

// Waits for the end of any child and takes it out of the kernel's table: its number, and in *status its exit code, or 256 +
// the signal that ended it.
pid_t linux_reap_any(int *status);

// Sockets.
// Two ends of a connection of whole messages, close-on-exec.
int linux_message_pair(int ends[2]);
// Sends one message, and with it a descriptor, unless that is -1.
ssize_t linux_send_descriptor(int socket, const void *buffer, size_t size, int descriptor);
// Reads what is there, without waiting, and up to `most` descriptors that come with it (close-on-exec).
ssize_t linux_receive_descriptors(int socket, void *buffer, size_t size, int *descriptors, int most, int *count);

// Files.
// A pipe whose ends are close-on-exec.
int linux_pipe(int ends[2]);
// An empty file in memory, close-on-exec.
int linux_memory_file(void);
int linux_sync_filesystem(int fd);
// Begins to write a file's data to the disk without waiting. A hint: what fails, fails again in fsync.
void linux_begin_writing_out(int fd);
// Opens a directory just below another, never through a symbolic link and never into another mount (EXDEV).
int linux_open_directory_beneath(int parent, const char *name);
// Opens what is somewhere below a directory; neither `..` nor a symbolic link leads out of it (EXDEV).
int linux_open_beneath(int directory, const char *path, int flags);
extern const int linux_reference_only; // O_PATH
// A descriptor of a copy of what is mounted at a path and below it, which has no place yet. Needs Linux 5.2.
int linux_clone_mounts(const char *path);
// Gives such a copy its place.
int linux_attach_mounts(int mounts, const char *path);
// 1 when the path is the root of a mount, 0 when not. ENOSYS on kernels before 5.8, which do not tell.
int linux_is_mount_root(const char *path);

#endif
