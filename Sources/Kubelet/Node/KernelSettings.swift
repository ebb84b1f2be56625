import Host
public import Logging
public import Support

/// The settings of the kernel that a node wants: it goes on when memory is short, restarts when it panics, and has room for
/// the keys of many containers (Kubernetes documentation, "kubelet", `--protect-kernel-defaults`).
public struct KernelSettings: Sendable {
    /// By the names of sysctl(8), written with slashes as Kubernetes' messages have them.
    static let wanted: [(name: String, value: String)] = [
        ("vm/overcommit_memory", "1"),
        ("vm/panic_on_oom", "0"),
        ("kernel/panic", "10"),
        ("kernel/panic_on_oops", "1"),
        ("kernel/keys/root_maxkeys", "1000000"),
        ("kernel/keys/root_maxbytes", "25000000"),
    ]

    var read: @Sendable (_ name: String) throws(Fault) -> String
    var set: @Sendable (_ name: String, _ value: String) throws(Fault) -> Void

    /// Those of this machine.
    public init() {
        read = { name throws(Fault) in try Sysctl.read(name) }
        set = { name, value throws(Fault) in try Sysctl.set(name, to: value) }
    }

    /// Changes what is otherwise, or with `isProtected` fails and says what that is.
    ///
    /// What cannot be changed, as in a container, is logged and left: Kubernetes goes on then only in a user namespace.
    public func prepare(isProtected: Bool, log: Logger) throws(Fault) {
        var wrong: [String] = []
        for (name, value) in Self.wanted {
            do throws(Fault) {
                let actual = try read(name)
                guard actual != value else { continue }
                if isProtected {
                    wrong.append("invalid kernel flag: \(name), expected value: \(value), actual value: \(actual)")
                } else {
                    try set(name, value)
                    log.info("the kernel's setting \(name) is \(value) now; it was \(actual)")
                }
            } catch {
                guard !isProtected else {
                    wrong.append(error.summary)
                    continue
                }
                let level: Logger.Level = UserNamespace.isOwn ? .debug : .warning
                log.log(level: level, "\(name) stays as it is: \(error.summary)")
            }
        }
        guard !wrong.isEmpty else { return }
        throw Fault(
            .invalid, wrong.count == 1 ? wrong[0] : "[" + wrong.joined(separator: ", ") + "]",
            remedy: "set them (sysctl -w, /etc/sysctl.d), or start without --protect-kernel-defaults")
    }
}
