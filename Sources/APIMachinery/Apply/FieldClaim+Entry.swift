import Synchronization

extension FieldClaim {
    /// Claims that were read lately. The same few are read at every write of an object of their making.
    private static let readings = Mutex<[ObjectIdentifier: Reading]>([:])
    /// So many are remembered.
    private static let most = 128

    private struct Reading {
        /// Keeps the claim, so that its identity is no other's.
        var claim: FieldClaim
        var entry: ManagedFields.Entry?
    }

    /// The claim to be decided with, without a time; `nil` when it cannot be read.
    var entry: ManagedFields.Entry? {
        let identity = ObjectIdentifier(self)
        if let known = Self.readings.withLock({ $0[identity] }) { return known.entry }
        let entry = read()
        Self.readings.withLock { readings in
            if readings.count >= Self.most { readings.removeAll(keepingCapacity: true) }
            readings[identity] = Reading(claim: self, entry: entry)
        }
        return entry
    }

    private func read() -> ManagedFields.Entry? {
        var json: [UInt8] = [UInt8(ascii: "[")]
        append(to: &json)
        json += "}]".utf8
        return (try? Value(json: json, limits: .own)).flatMap { try? ManagedFields($0) }?.entries.first
    }
}
