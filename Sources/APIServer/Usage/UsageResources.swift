import API
import APIMachinery
import Client
import Support

/// `metrics.k8s.io/v1beta1`, what `kubectl top` shows and autoscalers act on: what nodes use.
struct NodeMetricsResource: ComputedResource {
    let nodes: any ObjectSet
    let ledger: UsageLedger

    func objects(_ filter: ObjectFilter) async -> [StoredObject] {
        let usage = await ledger.usageOfAll()
        return nodes.list(namespace: nil).sorted { $0.name < $1.name }.compactMap { node in
            usage[node.name].flatMap { Self.object(node, $0) }
        }.filter(filter.includes)
    }

    func object(_ name: ObjectName) async -> StoredObject? {
        guard let node = nodes.get(name) else { return nil }
        return await ledger.usage(of: [name.name])[name.name].flatMap { Self.object(node, $0) }
    }

    private static func object(_ node: StoredObject, _ usage: NodeUsage) -> StoredObject? {
        guard let amounts = usage.node else { return nil }
        var object = UsageObject.head("NodeMetrics", of: node, usage)
        object["usage"] = amounts.value
        return StoredObject(received: object)
    }
}

/// The same for pods.
struct PodMetricsResource: ComputedResource {
    let pods: any ObjectSet
    let ledger: UsageLedger

    func objects(_ filter: ObjectFilter) async -> [StoredObject] {
        // The objects have their pods' names and labels, so that what the filter says of these can be seen before.
        let asked = pods.list(namespace: filter.namespace).filter { filter.name.map([$0.name].contains) ?? true }
        let usage = await ledger.usage(of: Set(asked.map { Pod($0).spec.nodeName }).subtracting([""]))
        return asked.sorted { $0.objectName < $1.objectName }
            .compactMap { Self.object($0, usage) }.filter(filter.includes)
    }

    func object(_ name: ObjectName) async -> StoredObject? {
        guard let pod = pods.get(name) else { return nil }
        return Self.object(pod, await ledger.usage(of: [Pod(pod).spec.nodeName]))
    }

    private static func object(_ pod: StoredObject, _ usage: [String: NodeUsage]) -> StoredObject? {
        guard let node = usage[Pod(pod).spec.nodeName], let containers = node.pods[pod.uid] else { return nil }
        var object = UsageObject.head("PodMetrics", of: pod, node)
        object["containers"] = .array(
            containers.sorted { $0.key < $1.key }.map { ["name": .string($0.key), "usage": $0.value.value] })
        return StoredObject(received: object)
    }
}

private enum UsageObject {
    /// What the objects of both kinds have.
    static func head(_ kind: String, of measured: StoredObject, _ usage: NodeUsage) -> Value {
        var metadata: Value = ["name": .string(measured.name), "creationTimestamp": .string(usage.time.description)]
        if !measured.namespace.isEmpty { metadata["namespace"] = .string(measured.namespace) }
        if !measured.labels.isEmpty { metadata["labels"] = .object(measured.labels) }
        return [
            "apiVersion": "metrics.k8s.io/v1beta1", "kind": .string(kind), "metadata": metadata,
            "timestamp": .string(usage.time.description),
            "window": .string(GoDuration.format(.milliseconds(Int64(usage.window / .milliseconds(1))))),
        ]
    }
}
