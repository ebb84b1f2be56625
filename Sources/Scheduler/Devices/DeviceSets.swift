import API
import APIMachinery
import Client
import Synchronization

/// The live sets from which a pod's claims for devices are judged.
final class DeviceSets: Sendable {
    private struct Known {
        /// What each claim has.
        var taken: [ObjectName: DeviceLoad] = [:]
        /// Of the slices as they are; `nil` after a change.
        var stock: DeviceStock?
        var changes = 0
    }

    let claims: any ObjectSet
    private let slices: any ObjectSet
    private let classes: any ObjectSet
    private let known = Mutex(Known())

    init(_ client: any Client) async throws(Status) {
        claims = try await client.observeIfServed(.resourceClaims)
        slices = try await client.observeIfServed(.resourceSlices)
        classes = try await client.observeIfServed(.deviceClasses)
    }

    /// Follows the sets, and calls `changed` after each change.
    func observe(_ changed: @escaping @Sendable () -> Void) -> [any Observation] {
        [
            claims.observe { [self] change in
                let load = change.new.map { DeviceLoad(of: $0.value) } ?? DeviceLoad()
                known.withLock { $0.taken[change.name] = load.isEmpty ? nil : load }
                changed()
            },
            slices.observe { [self] _ in
                known.withLock { known in
                    known.stock = nil
                    known.changes += 1
                }
                changed()
            },
            classes.observe { _ in changed() },
        ]
    }

    func classSpec(_ name: String) -> Value? { classes.get(ObjectName(name: name))?.value["spec"] }

    func facts(of pod: PodFacts) -> PodDevices {
        guard !pod.deviceClaims.isEmpty else { return PodDevices() }
        var facts = PodDevices()
        func refuse(_ facts: inout PodDevices, _ text: String) {
            facts.refusal = facts.refusal ?? Refusal(.dynamicResources, isFinal: true, text)
        }
        for reference in pod.deviceClaims {
            guard let name = reference.claim else {
                refuse(&facts, "waiting for the claim of \(GoText.quoted(reference.name)) to be made from its template")
                continue
            }
            let full = ObjectName(namespace: pod.name.namespace, name: name)
            guard let claim = claims.get(full) else {
                refuse(&facts, "resourceclaim \(GoText.quoted(name)) not found")
                continue
            }
            if claim.isDeleting {
                refuse(&facts, "resourceclaim \(GoText.quoted(name)) is being deleted")
                continue
            }
            judge(claim, pod, &facts, refuse)
        }
        if !facts.needs.isEmpty {
            facts.stock = stock()
            facts.taken = known.withLock { $0.taken.values.reduce(into: DeviceLoad()) { $0.add($1) } }
        }
        return facts
    }

    private func judge(
        _ claim: StoredObject, _ pod: PodFacts, _ facts: inout PodDevices, _ refuse: (inout PodDevices, String) -> Void
    ) {
        let value = claim.value
        if let allocation = value.at("status", "allocation") {
            let users = value.at("status", "reservedFor")?.array ?? []
            let isReserved = users.contains { $0["uid"]?.string == pod.uid }
            if !isReserved, users.count >= DeviceGrant.mostUsers { refuse(&facts, "resourceclaim in use") }
            let nodes = allocation["nodeSelector"].map { NodeSelector(stored: $0) }
            facts.held.append(.init(claim: claim.objectName, nodes: nodes, isReserved: isReserved))
            return
        }
        do throws(DeviceNeed.Problem) {
            facts.needs.append(try DeviceNeed(value, classSpec: classSpec))
        } catch {
            refuse(&facts, error.text)
        }
    }

    private func stock() -> DeviceStock {
        let (present, seen) = known.withLock { ($0.stock, $0.changes) }
        if let present { return present }
        let stock = DeviceStock(of: slices.list(namespace: nil).compactMap { $0.value["spec"] })
        known.withLock { known in if known.changes == seen { known.stock = stock } }
        return stock
    }
}
