import APIMachinery
import Support

/// Who owns whom, over all resources: uids and names, no copies of objects.
struct OwnershipGraph: Sendable {
    struct Node: Hashable, Sendable {
        /// Which of the collector's resources the object is of.
        var resource: Int
        var name: ObjectName
        var owners: [String]
        var isDeleting: Bool

        /// Owners are in the same namespace, or in none (API conventions, "Owner references").
        func canBeOwned(by owner: Node) -> Bool {
            owner.name.namespace.isEmpty || owner.name.namespace == name.namespace
        }
    }

    private(set) var nodes: [String: Node] = [:]
    private var dependents: [String: Set<String>] = [:]

    func dependents(of uid: String) -> Set<String> { dependents[uid] ?? [] }

    /// Takes an object's present state in, and returns the uids that this gives work for.
    mutating func put(_ uid: String, _ node: Node) -> Set<String> {
        let old = nodes.updateValue(node, forKey: uid)
        if old?.owners != node.owners {
            unlink(uid, from: old?.owners ?? [])
            for owner in node.owners { dependents[owner, default: []].insert(uid) }
        }
        var work: Set<String> = []
        // An owner that waits for its dependents, is not there, or is none because it is in another namespace, makes work
        // for what it owns.
        if node.owners.contains(where: { owner in
            guard let owner = nodes[owner] else { return true }
            return owner.isDeleting || !node.canBeOwned(by: owner)
        }) {
            work.insert(uid)
        }
        // What it owns may have to go before it can.
        if node.isDeleting { work.formUnion(dependents(of: uid).union([uid])) }
        // Each owner that lost this dependent, or waits for it, may be free now.
        for owner in Set(node.owners + (old?.owners ?? [])) where nodes[owner]?.isDeleting == true {
            work.insert(owner)
        }
        return work
    }

    /// The object is gone.
    mutating func remove(_ uid: String) -> Set<String> {
        guard let node = nodes.removeGivingBack(uid) else { return [] }
        unlink(uid, from: node.owners)
        return dependents(of: uid).union(node.owners.filter { nodes[$0]?.isDeleting == true })
    }

    private mutating func unlink(_ uid: String, from owners: [String]) {
        for owner in owners {
            dependents[owner]?.remove(uid)
            if dependents[owner]?.isEmpty == true { dependents[owner] = nil }
        }
    }
}
