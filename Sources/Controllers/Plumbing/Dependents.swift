import API
import APIMachinery
import Client

/// The objects of one kind that those of another control: the pods of ReplicaSets, the ReplicaSets of Deployments.
///
/// Tells which owners a change concerns, and settles what belongs to whom. A change costs look-ups by uid and by label;
/// a pass costs as many steps as its owner has objects, whatever else there is.
final class Dependents<Owner: ResourceView, Object: ResourceView>: Sendable {
    let owners: any ObjectSet
    private let objects: any ObjectSet
    private let client: any Client
    private let isAdoptable: @Sendable (StoredObject) -> Bool
    private let finalizer: String?
    private let heedsPlacement: Bool
    private let isMember: @Sendable (Owner, StoredObject) -> Bool
    private let names = OwnerIndex()
    private let selectors: SelectorIndex
    /// What nobody controls.
    private let orphans: LabelIndex

    /// - Parameters:
    ///   - selector: What an owner selects among the objects.
    ///   - finalizer: What the objects hold as long as they are an owner's.
    ///   - heedsPlacement: Whether it is of interest to an owner where its pods are placed.
    ///   - isAdoptable: Whether an object that nobody controls can still be of use.
    ///   - isMember: What else than its labels makes an object one of an owner's.
    init(
        _ client: any Client, selector: @escaping @Sendable (Owner) -> MetaV1LabelSelector?,
        finalizer: String? = nil, heedsPlacement: Bool = true,
        isAdoptable: @escaping @Sendable (StoredObject) -> Bool = { _ in true },
        isMember: @escaping @Sendable (Owner, StoredObject) -> Bool = { _, _ in true }
    ) async throws(Status) {
        self.client = client
        self.finalizer = finalizer
        self.heedsPlacement = heedsPlacement
        self.isAdoptable = isAdoptable
        self.isMember = isMember
        owners = try await client.observe(Owner.self)
        objects = try await client.observe(Object.self)
        // What cannot be read selects nothing; the pass over its owner says so.
        selectors = SelectorIndex { owner in (try? LabelSelector.of(selector(Owner(owner)))).map { [$0] } ?? [] }
        orphans = LabelIndex(objects) { $0.controllerUID == nil && !$0.isDeleting }
    }

    /// An owner is looked at when it changes, when something changes that it controls or did control, and when
    /// something that nobody controls comes to match its selector.
    var sources: [ReconcileLoop<ObjectName>.Source] {
        let ofOwners = ReconcileLoop<ObjectName>.Source(owners) { [self] change in
            names.take(change)
            selectors.take(change)
            return [change.name]
        }
        let ofObjects = ReconcileLoop<ObjectName>.Source(objects) { [self] change in
            orphans.take(change)
            if !heedsPlacement, change.isPlacement, isStillSelected(change) { return [] }
            var concerned: Set<ObjectName> = []
            for uid in [change.old?.controllerUID, change.new?.controllerUID] {
                if let uid, let name = names.name(of: uid) { concerned.insert(name) }
            }
            if let new = change.new, new.controllerUID == nil, !new.isDeleting {
                concerned.formUnion(selectors.names(selecting: change))
            }
            return Array(concerned)
        }
        return [ofOwners, ofObjects]
    }

    /// Whether an object that has an owner is selected by it, though its labels may have changed.
    private func isStillSelected(_ change: ObjectChange) -> Bool {
        guard let new = change.new, let uid = new.controllerUID, let owner = names.name(of: uid) else { return false }
        return change.old?.labels == new.labels || selectors.selects(owner, new)
    }

    /// The objects that the owner with this uid controls.
    func controlled(by uid: String) -> [StoredObject] {
        objects.owned(by: uid).filter { object in
            object.owners.contains { $0.isController && $0.uid == uid }
        }
    }

    /// Adopts what the owner selects and nobody controls, and releases what it no longer selects.
    func settle(_ owner: Owner, _ selector: LabelSelector) async throws(Status) {
        let (uid, namespace) = (owner.meta.uid, owner.meta.namespace)
        let isDeleting = owner.meta.deletionTimestamp != nil
        for object in controlled(by: uid) + orphans.objects(matching: selector, in: namespace) {
            let isMatch = selector.matches(object.labels) && isMember(owner, object)
            switch Ownership(of: object, ownerUID: uid, isMatch: isMatch, ownerIsDeleting: isDeleting) {
            case .owned, .foreign: continue
            case .release: try await client.release(Object.resource, object, by: uid, finalizer: finalizer)
            case .adopt where isAdoptable(object):
                try await client.adopt(Object.resource, object, by: owner, finalizer: finalizer)
            case .adopt: continue
            }
        }
    }
}
