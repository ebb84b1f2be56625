import APIMachinery

/// A volume that is labelled with a zone or region is reached from nodes of that zone alone; nodes that say nothing of
/// where they are reach it too.
struct VolumeZoneFilter: NodeFilter {
    private let zones: [(key: String, values: Set<String>)]

    init?(_ volumes: VolumeFacts) {
        guard !volumes.zones.isEmpty else { return nil }
        zones = volumes.zones
    }

    private static let refusal = Refusal(.volumeZone, isFinal: true, "node(s) had no available volume zone")

    func refusal(of node: NodeFacts) -> Refusal? {
        guard Self.newer.contains(where: { label(of: node, $0.value) != nil }) else { return nil }
        let isReached = zones.allSatisfy { zone in label(of: node, zone.key).map(zone.values.contains) ?? false }
        return isReached ? nil : Self.refusal
    }

    /// A node may still have the older name of a label.
    private func label(of node: NodeFacts, _ key: String) -> String? {
        if let value = node.labels[key]?.string { return value }
        return Self.newer.first { $0.value == key }.flatMap { node.labels[$0.key]?.string }
    }

    /// What a volume's labels ask of nodes. Several values are joined by two underscores.
    static func zones(of labels: Fields) -> [(key: String, values: Set<String>)] {
        labels.compactMap { key, value in
            let name = newer[key] ?? key
            guard newer.values.contains(name), let text = value.string else { return nil }
            return (name, values(in: text))
        }
    }

    private static func values(in text: String) -> Set<String> {
        var (values, current): (Set<String>, [UInt8]) = ([], [])
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "_"), rest.first == byte {
                rest.removeFirst()
                values.insert(String(decoding: current, as: UTF8.self))
                current = []
            } else {
                current.append(byte)
            }
        }
        values.insert(String(decoding: current, as: UTF8.self))
        return values
    }

    /// The labels of today by those of old.
    private static let newer = [
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    ]
}
