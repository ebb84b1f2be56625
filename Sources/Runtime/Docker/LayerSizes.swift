import Support

/// How much containers have written into their own layers. Docker walks through their files to tell, so it is asked for the
/// same container no more often than containerd looks by itself. Pure.
struct LayerSizes: Sendable {
    /// What is known is at most so old.
    static let lifetime = ContainerdOptions().layerStatisticsInterval

    private var known: [String: (bytes: Int64, at: Timestamp)] = [:]

    /// Of all of these containers; `nil` when one of them must be measured.
    func bytes(of ids: [String], at now: Timestamp) -> [String: Int64]? {
        var all: [String: Int64] = [:]
        for id in ids {
            guard let size = known[id], now - size.at < Self.lifetime else { return nil }
            all[id] = size.bytes
        }
        return all
    }

    /// These were measured now. What is too old to be told is forgotten.
    mutating func note(_ sizes: [String: Int64], at now: Timestamp) {
        known = known.filter { now - $0.value.at < Self.lifetime }
        for (id, bytes) in sizes { known[id] = (bytes, now) }
    }
}
