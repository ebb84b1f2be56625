import API
import APIMachinery
import Client
import Support
import Synchronization

/// Which pods of which node use which claims, and since when attachments are wanted by nobody.
///
/// Holds names and times, no copies of objects. Pods without claims are not in it.
final class AttachmentIndex: Sendable {
    fileprivate struct State {
        var nodes: [ObjectName: String] = [:]
        var claims: [ObjectName: [ObjectName]] = [:]
        var podsOfNode = Multimap<String, ObjectName>()
        var podsOfClaim = Multimap<ObjectName, ObjectName>()
        var unwanted: [String: Timestamp] = [:]
        /// Nodes that wait until a volume is free elsewhere.
        var waiting = Multimap<String, String>()
    }

    private let state = Mutex(State())

    init() {}

    /// Takes in what became of a pod. Returns the nodes that this concerns.
    func takePod(_ change: ObjectChange) -> [String] {
        let name = change.name
        let claims = change.new?.claimNamesOfPod ?? []
        let new = claims.isEmpty ? nil : change.new.map { Pod($0) }
        let isUsing = new.map { !$0.isFinished && !$0.spec.nodeName.isEmpty } ?? false
        return state.withLock { state in
            let before = state.nodes[name]
            state.remove(name)
            if isUsing, let new {
                let claims = claims.map { ObjectName(namespace: name.namespace, name: $0) }
                state.add(name, on: new.spec.nodeName, claims)
            }
            let after = state.nodes[name]
            guard before != after || change.old?.uid != change.new?.uid else { return [] }
            return Array(Set([before, after].compactMap(\.self)))
        }
    }

    /// The nodes whose pods use a claim.
    func nodes(using claim: ObjectName) -> [String] {
        state.withLock { state in Array(Set(state.podsOfClaim[claim].compactMap { state.nodes[$0] })) }
    }

    /// The pods of a node that use claims, each with them, in order.
    func pods(on node: String) -> [(pod: ObjectName, claims: [ObjectName])] {
        state.withLock { state in
            state.podsOfNode[node].sorted().map { ($0, state.claims[$0] ?? []) }
        }
    }

    /// Notes which attachments of a node nobody wants, and returns since when.
    func unwanted(_ names: [String], of all: [String], at now: Timestamp) -> [String: Timestamp] {
        state.withLock { state in
            for name in Set(all).subtracting(names) { state.unwanted[name] = nil }
            var times: [String: Timestamp] = [:]
            for name in names {
                let since = state.unwanted[name] ?? now
                (state.unwanted[name], times[name]) = (since, since)
            }
            return times
        }
    }

    func wait(_ node: String, for volume: String) { state.withLock { $0.waiting.insert(node, for: volume) } }

    /// Returns, once, the nodes that waited for a volume; forgets the attachment that ended.
    func takeWaiting(for volume: String, ended attachment: String) -> [String] {
        state.withLock { state in
            state.unwanted[attachment] = nil
            let nodes = state.waiting[volume]
            for node in nodes { state.waiting.remove(node, for: volume) }
            return Array(nodes)
        }
    }
}

extension AttachmentIndex.State {
    fileprivate mutating func add(_ pod: ObjectName, on node: String, _ used: [ObjectName]) {
        nodes[pod] = node
        claims[pod] = used
        podsOfNode.insert(pod, for: node)
        for claim in used { podsOfClaim.insert(pod, for: claim) }
    }

    fileprivate mutating func remove(_ pod: ObjectName) {
        if let node = nodes.removeValue(forKey: pod) { podsOfNode.remove(pod, for: node) }
        for claim in claims.removeValue(forKey: pod) ?? [] { podsOfClaim.remove(pod, for: claim) }
    }
}
