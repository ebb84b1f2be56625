/// The taints that stand for what a node's status says (Kubernetes documentation, "Taint Nodes by
/// Condition").
enum NodeTaintKey {
    static let notReady = "node.kubernetes.io/not-ready"
    static let unreachable = "node.kubernetes.io/unreachable"
    static let unschedulable = "node.kubernetes.io/unschedulable"
    /// Set by a person: the machine is off, and nothing on it runs any more.
    static let outOfService = "node.kubernetes.io/out-of-service"

    /// Each is a condition whose being true keeps new pods away.
    static let pressures = [
        (condition: "MemoryPressure", key: "node.kubernetes.io/memory-pressure"),
        (condition: "DiskPressure", key: "node.kubernetes.io/disk-pressure"),
        (condition: "PIDPressure", key: "node.kubernetes.io/pid-pressure"),
        (condition: "NetworkUnavailable", key: "node.kubernetes.io/network-unavailable"),
    ]

    static let noSchedule = "NoSchedule"
    static let noExecute = "NoExecute"
}
