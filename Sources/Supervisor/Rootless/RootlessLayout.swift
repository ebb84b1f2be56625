import Host

/// Where a k3s without root keeps what root has all over the machine (facts: "Files").
public struct RootlessLayout: Hashable, Sendable {
    /// A directory of the user's that is seen at a place of the system.
    public struct Place: Hashable, Sendable {
        public var path: String
        public var source: String
    }

    /// Taken by the one k3s that works in the data directory.
    public var lock: String { state + "/lock" }
    /// What is the namespaces' own.
    public let state: String
    public let places: [Place]

    /// Directories in which other names are wanted than the machine's.
    public static let copiedUp = ["/etc", "/var/run", "/run", "/var/lib"]
    /// What root's k3s, containerd and firewall have there: not ours.
    public static let removed = [
        "/run/netns", "/run/containerd", "/run/k3s", "/run/xtables.lock", "/var/lib/rancher", "/var/lib/cni",
        "/var/lib/kubelet", "/etc/rancher",
    ]

    /// - Parameter runtimeDirectory: `XDG_RUNTIME_DIR`, where sockets are; `nil` when the user has none.
    public init(dataDirectory: String, runtimeDirectory: String?) {
        state = dataDirectory + "/rootless"
        var places = [
            Place(path: "/var/log", source: dataDirectory + "/logs"),
            Place(path: "/var/lib/cni", source: dataDirectory + "/cni"),
            Place(path: "/var/lib/kubelet", source: dataDirectory + "/kubelet"),
            Place(path: "/etc/rancher", source: dataDirectory + "/etc/rancher"),
        ]
        if let runtimeDirectory {
            places.append(Place(path: "/run/k3s/containerd", source: runtimeDirectory + "/k3s/containerd"))
        }
        self.places = places
    }

    public static func dataDirectory(home: String) -> String { home + "/.rancher/k3s" }
    public static func kubeconfig(home: String) -> String { home + "/.kube/k3s.yaml" }

    /// Where a file of the host's `/etc` is found from within when its name there leads elsewhere.
    public static func ofHost(_ path: String) -> String {
        guard path.hasPrefix("/etc/") else { return path }
        return "/etc/\(Mounts.original)/" + path.dropFirst("/etc/".count)
    }
}
