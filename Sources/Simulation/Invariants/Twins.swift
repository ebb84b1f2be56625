import API
import APIMachinery

/// Which pods of stateful sets run where, as their machines know and the API may not: two of one name never run at once.
struct Twins: Sendable {
    private struct Running: Hashable {
        var uid: String
        var node: String
    }

    private var running: [ObjectName: Set<Running>] = [:]
    /// Nodes whose object was deleted at some time: whoever does so says that the machine is off.
    private var disowned: Set<String> = []

    mutating func disown(_ node: String) { disowned.insert(node) }

    mutating func ended(_ name: ObjectName, uid: String, on node: String) {
        running[name]?.remove(Running(uid: uid, node: node))
        if running[name]?.isEmpty ?? false { running[name] = nil }
    }

    /// Says what is wrong when another of the name still runs.
    mutating func began(_ name: ObjectName, uid: String, on node: String) -> String? {
        running[name, default: []].insert(Running(uid: uid, node: node))
        let other = running[name]?.first { $0.uid != uid && !disowned.contains($0.node) }
        return other.map { "runs on \(node) while the one before still runs on \($0.node)" }
    }
}
