import Glibc
public import Support

/// A group of cgroup v2 that its processes were left to divide further (systemd.resource-control(5),
/// `Delegate=`).
public struct CgroupDelegation: Hashable, Sendable {
    /// Where the group's files are.
    public var directory: String
    /// By the kernel's names: `cpu`, `memory`, ...
    public var controllers: Set<String>
    /// Whether groups can be made in it.
    public var isWritable: Bool

    public init(directory: String, controllers: Set<String>, isWritable: Bool) {
        self.directory = directory
        self.controllers = controllers
        self.isWritable = isWritable
    }

    /// The group of this process; `nil` on a machine without cgroup v2. Where v1 has the controllers it has
    /// none of them.
    public static func own() throws(Fault) -> CgroupDelegation? {
        guard let root = try Mounts.all().first(where: { $0.type == "cgroup2" })?.path,
            let path = path(in: try Files.readText("/proc/self/cgroup"))
        else { return nil }
        let directory = path == "/" ? root : Path.join(root, path)
        let words = (try? Files.readText(Path.join(directory, "cgroup.controllers"))) ?? ""
        return CgroupDelegation(
            directory: directory,
            controllers: Set(words.split(whereSeparator: \.isWhitespace).map(String.init)),
            isWritable: access(directory, W_OK) == 0)
    }

    /// The line of cgroup v2 in `/proc/PID/cgroup` (cgroups(7)).
    static func path(in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }

    /// Moves the processes of the group into a new one below it, and hands its controllers down: groups
    /// either hold processes or divide what they have (cgroups(7), "the no internal processes rule").
    public func evacuate(into name: String) throws(Fault) {
        let below = Path.join(directory, name)
        try Files.makeDirectory(below)
        // Who is begun meanwhile is found in the next round.
        for _ in 0..<16 {
            let processes = try Files.readText(Path.join(directory, "cgroup.procs")).split(separator: "\n")
            if processes.isEmpty { break }
            for process in processes {
                do throws(Fault) {
                    try Files.writeInPlace(String(process), to: Path.join(below, "cgroup.procs"))
                } catch  where error.errno == Errno(ESRCH) {
                    continue
                }
            }
        }
        for controller in controllers.sorted() {
            try Files.writeInPlace("+\(controller)", to: Path.join(directory, "cgroup.subtree_control"))
        }
    }
}
