import Host

/// Where the control groups of pods are, as paths from the root of all groups.
///
/// Pure. For systemd each group is a slice, whose name tells the slices above it: `a-b.slice` is in `a.slice`
/// (systemd.slice(5)).
struct CgroupNames: Hashable, Sendable {
    private static let suffix = ".slice"

    let driver: CgroupDriver
    private let root: [String]

    /// All of them are below the group `root`, which for systemd may be named as a path or as slices.
    init(_ driver: CgroupDriver, root: String = "/") {
        self.driver = driver
        self.root = driver == .systemd ? Self.steps(root) : root.split(separator: "/").map(String.init)
    }

    /// A group below the root, by the names from there to it.
    func path(_ parts: [String]) -> String { path(whole: root + parts) }

    /// A group that is not ours, by its name in either way.
    func path(of name: String) -> String { driver == .systemd ? path(whole: Self.steps(name)) : name }

    /// The group of the pods of a class.
    func path(of quality: QualityOfService) -> String { path(quality.groups) }

    /// The group of a pod: what the runtime is told, and finds the group of its containers in.
    func path(podUID: String, _ quality: QualityOfService) -> String { path(quality.groups + ["pod" + podUID]) }

    /// The pod whose group has this name in that of its class; `nil` for another group.
    func podUID(ofGroup name: String, in quality: QualityOfService) -> String? {
        // `pod`, or `kubepods-burstable-pod.slice`
        let empty = Path.name(of: path(podUID: "", quality))
        guard driver == .systemd else { return name.hasPrefix(empty) ? String(name.dropFirst(empty.count)) : nil }
        let beginning = empty.dropLast(Self.suffix.count)
        guard name.hasPrefix(beginning), name.hasSuffix(Self.suffix) else { return nil }
        return String(name.dropFirst(beginning.count).dropLast(Self.suffix.count).map { $0 == "_" ? "-" : $0 })
    }

    /// The container whose group has this name in that of its pod: runtimes name it by the id alone, or with their own name
    /// as a scope of systemd, `cri-containerd-<id>.scope`.
    static func containerID(ofGroup name: String) -> String {
        guard name.hasSuffix(".scope") else { return name }
        let bare = name.dropLast(".scope".count)
        return String(bare.split(separator: "-").last ?? bare)
    }

    private func path(whole parts: [String]) -> String {
        guard driver == .systemd else { return "/" + parts.joined(separator: "/") }
        var (path, above) = ("", "")
        for part in parts {
            // Systemd takes each dash for a step down.
            let part = String(part.map { $0 == "-" ? "_" : $0 })
            path += "/\(above)\(part)\(Self.suffix)"
            above += part + "-"
        }
        return path.isEmpty ? "/" : path
    }

    /// The names from the root to a group; of a slice the last step alone, since the path has the others.
    private static func steps(_ path: String) -> [String] {
        path.split(separator: "/").map { part -> String in
            guard part.hasSuffix(suffix) else { return String(part) }
            let bare = part.dropLast(suffix.count)
            return String(bare.split(separator: "-", omittingEmptySubsequences: false).last ?? bare)
        }.filter { !$0.isEmpty }
    }
}
