public import API

/// Who asks the kubelet about its pods (the node API, the node's statistics) asks here.
///
/// The answers are the freshest knowledge there is: the pods bound to this node as the API holds them, each
/// with the status that the kubelet worked out last, whether or not the API has it already.
public protocol PodDirectory: Sendable {
    /// All pods of this node, those included that are being deleted.
    func pods() -> [Pod]
    /// One pod; `nil` when this node has none of this name.
    func pod(namespace: String, name: String) -> Pod?
}
