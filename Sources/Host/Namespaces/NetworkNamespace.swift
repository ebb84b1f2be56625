import CLinux
import Glibc
public import Support

/// A network namespace, kept alive by being held here: an own set of interfaces, addresses, routes and rules.
public final class NetworkNamespace: Sendable {
    let descriptor: Descriptor

    private init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// The namespace that is bound to a path (`/run/netns/NAME`, `/proc/PID/ns/net`).
    public init(path: String) throws(Fault) {
        descriptor = try trying("cannot open the network namespace \(path)") { () throws(Errno) in
            try Descriptor.open(path, O_RDONLY)
        }
    }

    /// The namespace of the calling thread.
    public static func current() throws(Fault) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    // unshare --net
    /// A new namespace without a name; it has nothing but a loopback interface, which is down.
    public static func create() throws(Fault) -> NetworkNamespace {
        try onOwnThread { () -> Result<NetworkNamespace, Fault> in
            Result { () throws(Fault) in
                try trying("cannot make a network namespace") { () throws(Errno) in
                    try system { linux_unshare(linux_new_network_namespace) }
                }
                return try current()
            }
        }.get()
    }

    // ip netns add NAME
    /// A new namespace that stays under `/run/netns/NAME` until it is deleted.
    public static func create(named name: String) throws(Fault) -> NetworkNamespace {
        let path = Path.join(directory, name)
        try Files.makeDirectory(directory)
        // Shared, so that a deletion reaches the mount namespaces that saw the creation.
        if try !Mounts.isMountPoint(directory) { try Mounts.bind(directory, at: directory, recursive: true) }
        try Mounts.setPropagation(.shared, of: directory, recursive: true)
        try trying("cannot make \(path)") { () throws(Errno) in
            _ = try Descriptor.open(path, O_RDONLY | O_CREAT | O_EXCL)
        }
        do throws(Fault) {
            let namespace = try create()
            try Mounts.bind("/proc/self/fd/\(namespace.descriptor.number)", at: path)
            return namespace
        } catch {
            unlink(path)
            throw error
        }
    }

    // ip netns delete NAME
    /// Takes the name away; the namespace goes with its last process and holder. No such name is no fault.
    public static func delete(named name: String) throws(Fault) {
        let path = Path.join(directory, name)
        while try Mounts.isMountPoint(path) { try Mounts.unmount(path, lazy: true) }
        try Files.remove(path)
    }

    // ip netns exec
    /// Runs `body` inside the namespace, on a thread of its own, and waits for it. Sockets that it makes stay
    /// in the namespace wherever they are used later; `/proc/sys/net` is the namespace's own.
    public func perform<Value: Sendable>(
        _ body: @escaping @Sendable () throws(Fault) -> Value
    ) throws(Fault) -> Value {
        try onOwnThread { [descriptor] () -> Result<Value, Fault> in
            Result { () throws(Fault) in
                try trying("cannot enter the network namespace") { () throws(Errno) in
                    try system { linux_setns(descriptor.number, linux_new_network_namespace) }
                }
                return try body()
            }
        }.get()
    }

    private static let directory = "/run/netns"
}
