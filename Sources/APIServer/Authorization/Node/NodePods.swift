import APIMachinery
import Client
import Synchronization

/// Which pods are bound to which node, by name alone. A pod is looked into once in its life: it never changes its node.
final class NodePods: Sendable {
    private struct Index {
        var nodeOfPod: [ObjectName: String] = [:]
        var podsOfNode: [String: Set<ObjectName>] = [:]
    }

    private let index = Mutex(Index())
    private let observation = Mutex<(any Observation)?>(nil)

    init(_ pods: any ObjectSet) {
        let following = pods.observe { [self] change in follow(change) }
        observation.withLock { $0 = following }
    }

    func names(on node: String) -> Set<ObjectName> { index.withLock { $0.podsOfNode[node] ?? [] } }
    func contains(_ pod: ObjectName, on node: String) -> Bool { index.withLock { $0.nodeOfPod[pod] == node } }

    private func follow(_ change: ObjectChange) {
        index.withLock { index in
            let known = index.nodeOfPod[change.name]
            // A pod of the same name may come after this one with another uid.
            let isSame = change.old?.uid == change.new?.uid
            if isSame, known != nil { return }
            if let known {
                index.nodeOfPod[change.name] = nil
                index.podsOfNode[known]?.remove(change.name)
                if index.podsOfNode[known]?.isEmpty ?? false { index.podsOfNode[known] = nil }
            }
            guard let node = change.new?.field("spec.nodeName"), !node.isEmpty else { return }
            index.nodeOfPod[change.name] = node
            index.podsOfNode[node, default: []].insert(change.name)
        }
    }
}
