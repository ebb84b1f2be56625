import APIMachinery
import Support

/// The pods that are over, of which only so many are kept.
struct FinishedPods: Sendable {
    /// As Kubernetes' controller manager has it.
    static let most = 12_500

    private var ages: [ObjectName: Timestamp] = [:]
    private let most: Int

    init(most: Int = Self.most) { self.most = most }

    /// Notes a pod, and returns whether there are too many now.
    mutating func insert(_ name: ObjectName, createdAt: Timestamp) -> Bool {
        ages[name] = createdAt
        return ages.count > most
    }

    mutating func remove(_ name: ObjectName) { ages[name] = nil }

    /// Those beyond the number that is kept, the oldest first.
    var excess: [ObjectName] {
        guard ages.count > most else { return [] }
        let oldest = ages.sorted { a, b in a.value == b.value ? a.key < b.key : a.value < b.value }
        return oldest.prefix(ages.count - most).map(\.key)
    }
}
