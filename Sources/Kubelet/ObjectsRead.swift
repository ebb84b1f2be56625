import APIMachinery
import Support

/// The ConfigMaps and Secrets that were read for something that could not be made of them, as they were: once
/// one of them is another, it is worth trying again. The cause of the fault that says what is missing.
struct ObjectsRead: Error, Hashable, Sendable, CustomStringConvertible {
    /// By the object; 0 for one that is not there.
    var revisions: [ObservedObjects.Key: Int64] = [:]

    var description: String {
        revisions.keys.map { "\($0.resource.resource) \($0.name)" }.sorted().joined(separator: ", ")
    }
}

extension Fault {
    /// The same, if what is missing may come with a change of the objects that were read.
    func awaiting(_ read: ObjectsRead) -> Fault {
        guard code == .notFound, !read.revisions.isEmpty else { return self }
        var fault = self
        fault.cause = read
        return fault
    }

    /// What this may end with a change of; `nil` when it has other reasons.
    var objectsRead: ObjectsRead? { cause as? ObjectsRead }
}
