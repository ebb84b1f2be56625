public import Support

/// Parts of the kernel that may have to be loaded first.
public enum KernelModules {
    // modprobe NAME
    /// Loads a module, unless it is there already or built in. The fault says why it cannot be; many kernels
    /// work without it all the same, so callers usually warn and go on.
    public static func load(_ name: String) async throws(Fault) {
        if Files.exists("/sys/module/\(name)") { return }
        let output = try await Command("modprobe", ["--", name]).run(limit: .kibibytes(16))
        guard output.status.isSuccess else {
            let reason = output.errorText.split(separator: "\n").first.map { ": \($0)" } ?? ""
            throw Fault(
                .unsupported, "the kernel module \(name) cannot be loaded\(reason)",
                remedy: "load it on the host, or use a kernel that has it built in")
        }
    }
}
