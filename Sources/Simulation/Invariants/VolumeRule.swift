import API
import APIMachinery
import Support

/// A claim that is bound has one volume, which is its own and stays; and what is used is not taken away.
struct VolumeRule: Rule {
    /// A pod that was placed so shortly before may have been unknown when the claim was let go.
    private static let delay = Duration.seconds(15)

    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        switch event.kind {
        case "persistentvolumes": volume(event, ledger)
        case "persistentvolumeclaims": claim(event, ledger)
        default: nil
        }
    }

    private func volume(_ event: Ledger.Event, _ ledger: Ledger) -> String? {
        let old = event.oldValue.map { PersistentVolume($0) }
        guard let new = event.newValue.map({ PersistentVolume($0) }) else {
            let owner = Self.bound(to: event.name.name, ledger).first { $0.uid == old?.spec.claimRef?.uid }
            return owner.map { "is gone while claim \($0.name) is bound to it" }
        }
        if let old, old.metadata.uid == new.metadata.uid, let owner = old.spec.claimRef?.uid, !owner.isEmpty,
            let next = new.spec.claimRef?.uid, !next.isEmpty, owner != next
        {
            return "was kept for claim \(owner), and is for \(next) without having been free"
        }
        if new.status.phase == "Available", let uid = old?.spec.claimRef?.uid ?? new.spec.claimRef?.uid,
            let owner = Self.bound(to: event.name.name, ledger).first(where: { $0.uid == uid })
        {
            return "is free while claim \(owner.name) is bound to it"
        }
        return nil
    }

    private func claim(_ event: Ledger.Event, _ ledger: Ledger) -> String? {
        guard let new = event.newValue.map({ PersistentVolumeClaim($0) }) else { return user(event, ledger) }
        if let old = event.oldValue.map({ PersistentVolumeClaim($0) }), old.metadata.uid == new.metadata.uid,
            !old.spec.volumeName.isEmpty, old.spec.volumeName != new.spec.volumeName
        {
            return "had the volume \(old.spec.volumeName), and now \(new.spec.volumeName)"
        }
        guard new.status.phase == "Bound" else { return nil }
        let name = ObjectName(name: new.spec.volumeName)
        guard let volume = ledger.values["persistentvolumes"]?[name].map({ PersistentVolume($0) }) else {
            return "is bound to \(name.name), which is not there"
        }
        return volume.spec.claimRef?.uid == new.metadata.uid
            ? nil : "is bound to \(name.name), which is kept for \(volume.spec.claimRef?.name ?? "nobody")"
    }

    /// Who used a claim that is gone.
    private func user(_ event: Ledger.Event, _ ledger: Ledger) -> String? {
        let users = ledger.pods.values.filter { pod in
            pod.name.namespace == event.name.namespace && pod.claims.contains(event.name.name)
                && !pod.isOver && !pod.isShutDown
                && pod.placed.map { event.now - $0 > Self.delay } ?? false
        }
        return users.map(\.name.name).min().map { "is gone while pod \($0) uses it" }
    }

    /// The claims that say that they are bound to a volume.
    private static func bound(to volume: String, _ ledger: Ledger) -> [(name: ObjectName, uid: String)] {
        (ledger.values["persistentvolumeclaims"] ?? [:]).compactMap { name, value in
            let claim = PersistentVolumeClaim(value)
            return claim.spec.volumeName == volume && claim.status.phase == "Bound" ? (name, claim.metadata.uid) : nil
        }
    }
}
