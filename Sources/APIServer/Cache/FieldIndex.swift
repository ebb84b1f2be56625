import APIMachinery

/// The objects of a resource by the text of one field, so that a list which asks for one text looks at those alone.
///
/// Each of hundreds of kubelets lists the pods of its own node. Kubernetes keeps the same index, of pods by
/// `spec.nodeName`, and no other.
struct FieldIndex: Sendable {
    /// As selectors name it.
    let field: String
    private let read: @Sendable (StoredObject) -> String
    private var names: [String: Set<ObjectName>] = [:]

    /// The index that lists of a resource go by; `nil` where none is worth its keep.
    init?(of resource: GroupVersionResource) {
        guard resource == Self.pods else { return nil }
        field = "spec.nodeName"
        read = SelectableField.reader(field, of: resource)
    }

    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")

    /// The names of the objects that have this text, in no order.
    func names(of text: String) -> Set<ObjectName> { names[text] ?? [] }

    mutating func add(_ object: StoredObject) { names[read(object), default: []].insert(object.objectName) }

    /// Takes in what became of one object.
    mutating func apply(_ change: CacheChange) {
        let (old, new) = (text(change.old, .old, change), text(change.new, .new, change))
        guard old != new else { return }
        if let old {
            names[old]?.remove(change.name)
            if names[old]?.isEmpty ?? false { names[old] = nil }
        }
        if let new { names[new, default: []].insert(change.name) }
    }

    private func text(_ object: StoredObject?, _ side: ChangeShare.Side, _ change: CacheChange) -> String? {
        guard let object else { return nil }
        return change.share?.text(of: field, side) { read(object) } ?? read(object)
    }
}
