import API
import APIMachinery
import Support

/// What is left in a namespace that is being deleted, and how its conditions tell it.
///
/// Pure: the sweep is ``NamespaceController``'s.
struct NamespaceContent: Sendable {
    struct Remaining: Hashable, Sendable {
        var resource: GroupVersionResource
        var count: Int
        /// The finalizers that hold objects, and how many each.
        var finalizers: [String: Int]

        init(_ resource: GroupVersionResource, _ objects: [StoredObject]) {
            self.init(resource, finalizers: objects.map { $0.value(at: "metadata", "finalizers") })
        }

        init(_ resource: GroupVersionResource, _ objects: [Value]) {
            self.init(resource, finalizers: objects.map { $0.at("metadata", "finalizers") })
        }

        private init(_ resource: GroupVersionResource, finalizers lists: [Value?]) {
            self.resource = resource
            count = lists.count
            finalizers = [:]
            for list in lists {
                for finalizer in list?.array ?? [] { finalizers[finalizer.string ?? "", default: 0] += 1 }
            }
        }
    }

    var remaining: [Remaining] = []
    /// Why resources could not be swept, in the words of the API.
    var failures: [String] = []
    /// Groups with their versions that nobody answers for, as `example.com/v1`: what is theirs may be left.
    var undiscovered: [String] = []

    var isEmpty: Bool { remaining.isEmpty && failures.isEmpty && undiscovered.isEmpty }

    private struct Telling {
        var type: String
        var isTrue = false
        var reason: String
        var message: String
    }

    /// The conditions, those of others kept. What did not change keeps its time.
    func conditions(after present: [NamespaceCondition], at now: Timestamp) -> [NamespaceCondition] {
        var conditions = present
        for telling in tellings {
            var condition = NamespaceCondition()
            condition.type = telling.type
            condition.status = telling.isTrue ? "True" : "False"
            condition.reason = telling.reason
            condition.message = telling.message
            condition.lastTransitionTime = now
            guard let index = conditions.firstIndex(where: { $0.type == telling.type }) else {
                conditions.append(condition)
                continue
            }
            if conditions[index].status == condition.status {
                condition.lastTransitionTime = conditions[index].lastTransitionTime
            }
            conditions[index] = condition
        }
        return conditions
    }

    /// Kubernetes' own words: people and tools search for them.
    private var tellings: [Telling] {
        [
            discoveryFailure,
            // All kinds are known here at any time: this cannot fail.
            Telling(
                type: "NamespaceDeletionGroupVersionParsingFailure", reason: "ParsedGroupVersions",
                message: "All legacy kube types successfully parsed"),
            contentFailure, contentRemaining, finalizersRemaining,
        ]
    }

    private var discoveryFailure: Telling {
        let type = "NamespaceDeletionDiscoveryFailure"
        guard !undiscovered.isEmpty else {
            return Telling(type: type, reason: "ResourcesDiscovered", message: "All resources successfully discovered")
        }
        let list = undiscovered.map { "\($0): stale GroupVersion discovery: \($0)" }.sorted().joined(separator: ", ")
        return Telling(
            type: type, isTrue: true, reason: "DiscoveryFailed",
            message: "Discovery failed for some groups, \(undiscovered.count) failing: unable to retrieve the complete list "
                + "of server APIs: \(list)")
    }

    private var contentFailure: Telling {
        let type = "NamespaceDeletionContentFailure"
        guard !failures.isEmpty else {
            return Telling(
                type: type, reason: "ContentDeleted",
                message: "All content successfully deleted, may be waiting on finalization")
        }
        let list = failures.sorted().joined(separator: ", ")
        return Telling(
            type: type, isTrue: true, reason: "ContentDeletionFailed",
            message: "Failed to delete all resource types, \(failures.count) remaining: \(list)")
    }

    private var contentRemaining: Telling {
        let type = "NamespaceContentRemaining"
        guard !remaining.isEmpty else {
            return Telling(type: type, reason: "ContentRemoved", message: "All content successfully removed")
        }
        let list = remaining.map { kind in
            "\(kind.resource.resource).\(kind.resource.group) has \(kind.count) resource instances"
        }
        return Telling(
            type: type, isTrue: true, reason: "SomeResourcesRemain",
            message: "Some resources are remaining: " + list.sorted().joined(separator: ", "))
    }

    private var finalizersRemaining: Telling {
        let type = "NamespaceFinalizersRemaining"
        let counts = remaining.reduce(into: [:]) { $0.merge($1.finalizers, uniquingKeysWith: +) }
        guard !counts.isEmpty else {
            return Telling(
                type: type, reason: "ContentHasNoFinalizers",
                message: "All content-preserving finalizers finished")
        }
        let list = counts.map { "\($0.key) in \($0.value) resource instances" }
        return Telling(
            type: type, isTrue: true, reason: "SomeFinalizersRemain",
            message: "Some content in the namespace has finalizers remaining: "
                + list.sorted().joined(separator: ", "))
    }
}
