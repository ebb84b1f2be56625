import API
import APIMachinery
import Client

/// What becomes of one object because of its owners and its dependents (API conventions, "Owner references").
///
/// Pure: it is told how each owner fares. Its shell is ``GarbageCollector``.
struct CollectionDecision: Hashable, Sendable {
    enum OwnerState: Hashable, Sendable {
        case present
        /// Waits, in a foreground deletion, until what it owns is gone.
        case waiting
        /// There is no such object, by a live look.
        case absent
        /// Which object is meant cannot be told: its kind is not known here, or it is in a namespace and what it owns is
        /// in none. Then nothing is done at all.
        case untold
    }

    enum Action: Hashable, Sendable {
        /// Take these uids from the owner references.
        case disown(uids: [String])
        case delete(DeletionOptions.Propagation)
        /// Let its owners go without waiting for it, then delete it in the foreground.
        case leaveCircle
        /// Take this object's uid from the references of all its dependents, then remove the finalizer.
        case orphanDependents
        /// Nothing that blocks is left.
        case removeForegroundFinalizer
    }

    static let orphan = "orphan"
    static let foreground = "foregroundDeletion"

    var metadata: ObjectMeta
    var owners: [String: OwnerState]
    var hasDependents: Bool
    /// Whether one of these waits for what it owns itself: they may own each other in a circle, and then each would
    /// wait for ever.
    var hasWaitingDependent = false
    /// Whether a dependent is there that the end of this object has to wait for.
    var isBlocked: Bool

    var action: Action? {
        let finalizers = metadata.finalizers
        if metadata.deletionTimestamp != nil {
            if finalizers.contains(Self.orphan) { return .orphanDependents }
            return finalizers.contains(Self.foreground) && !isBlocked ? .removeForegroundFinalizer : nil
        }
        let uids = metadata.ownerReferences.map(\.uid)
        guard !uids.contains(where: { owners[$0] == .untold }) else { return nil }
        let ended = uids.filter { owners[$0] == .absent || owners[$0] == .waiting }
        guard !ended.isEmpty else { return nil }
        if ended.count < uids.count { return .disown(uids: ended) }
        if uids.contains(where: { owners[$0] == .waiting }), hasDependents {
            return hasWaitingDependent ? .leaveCircle : .delete(.foreground)
        }
        if finalizers.contains(Self.orphan) { return .delete(.orphan) }
        return .delete(finalizers.contains(Self.foreground) ? .foreground : .background)
    }
}
