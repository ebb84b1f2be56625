public import Host
public import Support

/// A runtime beside runc that pods may ask for (`RuntimeClass`), or that all get (`--default-runtime`): found on this machine,
/// as k3s finds them (facts: "Extra runtimes").
public struct ExtraRuntime: Hashable, Sendable {
    /// As a RuntimeClass names its handler.
    public var name: String
    /// By which containerd finds the shim.
    public var type: String
    /// The path of the program.
    public var program: String

    private static let known: [(name: String, type: String, program: String)] =
        [
            ("crun", "io.containerd.runc.v2", "crun"),
            ("nvidia", "io.containerd.runc.v2", "nvidia-container-runtime"),
            ("nvidia-experimental", "io.containerd.runc.v2", "nvidia-container-runtime-experimental"),
            ("nvidia-cdi", "io.containerd.runc.v2", "nvidia-container-runtime.cdi"),
        ]
        + [("lunatic", 1), ("slight", 1), ("spin", 2), ("wasmedge", 1), ("wasmer", 1), ("wasmtime", 1), ("wws", 1)].map {
            ($0, "io.containerd.\($0).v\($1)", "containerd-shim-\($0)-v\($1)")
        }

    /// Looks in `PATH`, and where operators put them.
    public static func find(environment: [String: String] = Command.ownEnvironment) -> [ExtraRuntime] {
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return find(in: path + ["/usr/local/nvidia/toolkit", "/opt/kwasm/bin"])
    }

    static func find(in folders: [String]) -> [ExtraRuntime] {
        known.compactMap { name, type, program in
            let path = folders.lazy.map { Path.join($0, program) }.first { path in
                guard let status = try? Files.status(of: path) else { return false }
                return status.kind == .regular && status.mode.bits & 0o111 != 0
            }
            return path.map { ExtraRuntime(name: name, type: type, program: $0) }
        }
    }
}

extension ContainerdOptions {
    /// Takes the runtimes that were found, and the one that pods get which ask for none. Fails when that was not found.
    public mutating func take(_ runtimes: [ExtraRuntime], default name: String?) throws(Fault) {
        extraRuntimes = runtimes
        guard let name, !name.isEmpty else { return }
        guard name == "runc" || runtimes.contains(where: { $0.name == name }) else {
            throw Fault(
                .notFound, "default runtime \(name) was not found",
                remedy: "install it, or add its folder to PATH")
        }
        defaultRuntime = name
    }
}
