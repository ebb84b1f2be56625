import CLinux
import Glibc
import Support

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
        try onOwnThread { () -> Result<Void, any Error> in
            Result {
                try system { linux_unshare(linux_own_fs_attributes | linux_new_mount_namespace) }
                try Mounts.setPropagation(.private, of: "/", recursive: true)
                try body(path)
            }
        }.get()
    }
}

extension NetworkNamespace {
    /// Runs a test's body inside the namespace, whatever it throws.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        try perform { () throws(Fault) -> Result<Value, any Error> in Result(catching: body) }.get()
    }

    /// Runs a program inside the namespace and returns what it printed.
    func output(of program: String, _ arguments: String...) async throws -> String {
        let own = "/proc/\(getpid())/fd/\(descriptor.number)"
        let result = try await Command("nsenter", ["--net=\(own)", program] + arguments).run()
        guard result.status.isSuccess else { throw Fault(.failed, "\(program): \(result.errorText)") }
        return result.text
    }
}
