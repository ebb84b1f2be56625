import APIMachinery
import Client
import Support

/// What deleting an object comes to: gone at once, or marked and kept until its grace is over and its finalizers are
/// done (API conventions, "Deletion"; KEP-2839 for namespaces' like).
///
/// Pure: the caller carries out the one ``Action``.
struct DeletionPlan {
    enum Action: Hashable {
        /// Remove the object from the log.
        case remove
        /// Write this marked version, then answer with it.
        case mark(Value)
        /// Nothing is to be done: it is marked already, and the wish does not shorten its grace.
        case keep
    }

    /// What garbage collection of dependents a resource's deletion means when the client does not say.
    let defaultPropagation: DeletionOptions.Propagation?
    /// The grace period that counts for this object, in seconds: 0 deletes at once.
    let grace: Int
    /// Whether the garbage collector looks at objects of this kind; for others nobody would work off its finalizers.
    var isCollected = true

    static let orphanFinalizer = "orphan"
    static let foregroundFinalizer = "foregroundDeletion"

    func action(for object: Value, _ options: DeletionOptions, at now: Timestamp) -> Action {
        var metadata = object["metadata"] ?? .emptyObject
        let finalizers = self.finalizers(metadata, options)
        let holds = finalizers + (object.at("spec", "finalizers")?.array ?? []).compactMap(\.string)
        let before = (metadata["finalizers"]?.array ?? []).compactMap(\.string)
        metadata["finalizers"] = finalizers.isEmpty ? nil : Value(finalizers)

        guard let marked = metadata["deletionTimestamp"]?.string.flatMap({ Timestamp($0) }) else {
            if holds.isEmpty, grace == 0 { return .remove }
            return .mark(marking(object, metadata, at: now))
        }
        let presentGrace = Int(metadata["deletionGracePeriodSeconds"]?.integer ?? 0)
        if holds.isEmpty, grace == 0 { return .remove }
        // A second deletion may only shorten the grace.
        guard grace < presentGrace else {
            guard finalizers != before else { return .keep }
            var new = object
            new["metadata"] = metadata
            return .mark(new)
        }
        let begun = marked + .seconds(-presentGrace)
        metadata["deletionGracePeriodSeconds"] = .integer(Int64(grace))
        metadata["deletionTimestamp"] = .string((begun + .seconds(grace)).description)
        var new = object
        new["metadata"] = metadata
        return .mark(new)
    }

    private func marking(_ object: Value, _ metadata: Value, at now: Timestamp) -> Value {
        var metadata = metadata
        metadata["deletionTimestamp"] = .string((now + .seconds(grace)).description)
        metadata["deletionGracePeriodSeconds"] = .integer(Int64(grace))
        // Marking changes the desired state (API conventions, "metadata.generation").
        if let generation = metadata["generation"]?.integer, generation < .max {
            metadata["generation"] = .integer(generation + 1)
        }
        var new = object
        new["metadata"] = metadata
        return new
    }

    /// The finalizers the garbage collector shall work off: exactly those that the propagation asks for.
    private func finalizers(_ metadata: Value, _ options: DeletionOptions) -> [String] {
        var list = (metadata["finalizers"]?.array ?? []).compactMap(\.string)
        let has = (orphan: list.contains(Self.orphanFinalizer), foreground: list.contains(Self.foregroundFinalizer))
        let propagation: DeletionOptions.Propagation? =
            options.propagation
            ?? (has.orphan ? .orphan : has.foreground ? .foreground : defaultPropagation)
        list.removeAll { $0 == Self.orphanFinalizer || $0 == Self.foregroundFinalizer }
        switch isCollected ? propagation : nil {
        case .orphan: list.append(Self.orphanFinalizer)
        case .foreground: list.append(Self.foregroundFinalizer)
        case .background, nil: break
        }
        return list
    }

    /// Makes the version of an object that is there last into the one that clients see go: no grace is left, and it is marked
    /// with the moment at which its deletion began. Kubernetes writes that version before it removes the object; as it
    /// follows from the one before, nothing is written for it here.
    static func endGrace(of object: inout Value) {
        guard let grace = object.at("metadata", "deletionGracePeriodSeconds")?.integer, grace > 0,
            let marked = object.at("metadata", "deletionTimestamp")?.string.flatMap({ Timestamp($0) })
        else { return }
        object[path: ["metadata", "deletionGracePeriodSeconds"]] = 0
        object[path: ["metadata", "deletionTimestamp"]] = .string((marked + .seconds(-grace)).description)
    }

    /// Whether an update that left the object as it is now lets it go: it is marked, its grace is over and nothing
    /// holds it any more.
    static func isReleased(_ object: Value) -> Bool {
        guard object.at("metadata", "deletionTimestamp") != nil else { return false }
        return (object.at("metadata", "deletionGracePeriodSeconds")?.integer ?? 0) == 0
            && (object.at("metadata", "finalizers")?.array ?? []).isEmpty
            && (object.at("spec", "finalizers")?.array ?? []).isEmpty
    }
}
