import APIMachinery

/// A disk that a pod names itself, without a claim. Two pods on one node may not have it at once, unless both only read.
struct LegacyDisk: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case googleDisk = "gcePersistentDisk"
        case amazonDisk = "awsElasticBlockStore"
        case ceph = "rbd"
        case target = "iscsi"
    }

    var kind: Kind
    /// What makes two of them the same disk.
    var identity: [String]
    /// Ceph names several monitors: one in common is enough.
    var monitors: Set<String> = []
    var isReadOnly: Bool

    init?(_ volume: Value) {
        for kind in [Kind.googleDisk, .amazonDisk, .ceph, .target] {
            guard let source = volume[kind.rawValue] else { continue }
            let keys: [String] =
                switch kind {
                case .googleDisk: ["pdName"]
                case .amazonDisk: ["volumeID"]
                case .ceph: ["pool", "image"]
                case .target: ["iqn"]
                }
            self.kind = kind
            identity = keys.map { source[$0]?.string ?? "" }
            isReadOnly = source["readOnly"]?.bool ?? false
            if kind == .ceph { monitors = Set((source["monitors"]?.array ?? []).compactMap(\.string)) }
            return
        }
        return nil
    }

    func conflicts(with other: LegacyDisk) -> Bool {
        guard kind == other.kind, identity == other.identity else { return false }
        if kind == .ceph, monitors.isDisjoint(with: other.monitors) { return false }
        // Amazon's are attached for writing whatever is said.
        return kind == .amazonDisk || !(isReadOnly && other.isReadOnly)
    }
}
