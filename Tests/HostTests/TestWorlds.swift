import CLinux
import Glibc
import Support
import Synchronization

@testable import Host

/// A directory of the test's own, removed whatever happens.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = try makeTemporaryDirectory()
    defer { try? Files.remove(path) }
    return try body(path)
}

func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = try makeTemporaryDirectory()
    defer { try? Files.remove(path) }
    return try await body(path)
}

private func makeTemporaryDirectory() throws(Fault) -> String {
    let path = "/tmp/host-test-\(UInt64.random(in: 0...UInt64.max))"
    try Files.makeDirectory(path, mode: 0o700)
    return path
}

/// Runs the test on a thread with a mount namespace of its own, which hears nothing of the host's mounts and
/// tells it nothing; all that is mounted in it goes with the thread.
func withMountNamespace(_ body: @escaping @Sendable (String) throws -> Void) throws {
    try withTemporaryDirectory { path in
        let box = OutcomeBox()
        let thread = startThread(stackSize: 1 << 20, isJoinable: true) {
            box.outcome.withLock { outcome in
                outcome = Result {
                    try system { linux_unshare(linux_own_fs_attributes | linux_new_mount_namespace) }
                    try Mounts.setPropagation(.private, of: "/", recursive: true)
                    try body(path)
                }
            }
        }
        pthread_join(thread, nil)
        try box.outcome.withLock { $0 }?.get()
    }
}

private final class OutcomeBox: Sendable {
    let outcome = Mutex<Result<Void, any Error>?>(nil)
}
