public import APIMachinery

/// What a pod asks of a node apart from room on it: its name, its labels, and that its taints are borne.
///
/// Read once from a pod's spec or a template's, then asked of many nodes.
public struct NodePlacement: Hashable, Sendable {
    /// The node that the spec names; empty for any.
    public var nodeName: String
    /// Labels that the node must have.
    public var nodeSelector: [String: String]
    /// The required node affinity; `nil` when there is none.
    public var requiredNodes: NodeSelector?
    public var tolerations: [Toleration]

    public init(_ spec: PodSpec) {
        nodeName = spec.nodeName
        nodeSelector = spec.nodeSelector
        requiredNodes = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.map {
            NodeSelector(stored: $0.value)
        }
        tolerations = spec.tolerations
    }

    /// Whether a node is one that the spec asks for, its taints aside.
    public func selects(_ name: String, labels: Fields) -> Bool {
        (nodeName.isEmpty || nodeName == name)
            && nodeSelector.allSatisfy { labels[$0.key] == .string($0.value) }
            && (requiredNodes?.matches(labels: labels, name: name) ?? true)
    }

    /// The first of these taints that has one of the effects and is not tolerated.
    public func untolerated(_ taints: [Taint], _ effects: String...) -> Taint? {
        taints.first { taint in effects.contains(taint.effect) && !tolerations.contains { $0.tolerates(taint) } }
    }
}
