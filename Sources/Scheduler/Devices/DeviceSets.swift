import API
import APIMachinery
import Client
import Support
import Synchronization

/// The live sets from which a pod's claims for devices are judged.
final class DeviceSets: Sendable {
    fileprivate struct Known {
        /// What each claim has.
        var taken: [ObjectName: DeviceLoad] = [:]
        /// Of the slices as they are; `nil` after a change.
        var stock: DeviceStock?
        var changes = 0
        /// Classes that stand for extended resources, which they name.
        var named: [String: (resource: String, since: String)] = [:]
        /// By extended resource, the class that stands for it.
        var resources: [String: String] = [:]
    }

    let claims: any ObjectSet
    private let slices: any ObjectSet
    private let classes: any ObjectSet
    private let known = Mutex(Known())
    private let now: @Sendable () -> Timestamp

    init(_ client: any Client, now: @escaping @Sendable () -> Timestamp = { .now }) async throws(Status) {
        self.now = now
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
            classes.observe { [self] change in
                known.withLock { $0.takeClass(change) }
                changed()
            },
        ]
    }

    // MARK: Extended resources

    /// Whether a class of devices stands for an extended resource.
    func isBacked(_ resource: String) -> Bool { known.withLock { $0.resources[resource] != nil } }

    private func addExtended(_ pod: PodFacts, _ facts: inout PodDevices) throws(DeviceNeed.Problem) {
        let classes = known.withLock { known in
            pod.extended.reduce(into: [:]) { $0[$1.resource] = known.resources[$1.resource] }
        }
        guard !classes.isEmpty else { return }
        facts.backed = Set(classes.keys)
        let made = claims.owned(by: pod.uid).first { claim in
            claim.controllerUID == pod.uid
                && claim.value.at("metadata", "annotations", ExtendedDevices.annotation) == "true"
        }
        if let made {
            let users = made.value.at("status", "reservedFor")?.array ?? []
            let isGiven = made.value.at("status", "allocation") != nil && users.contains { $0["uid"]?.string == pod.uid }
            guard isGiven, pod.extendedClaim == made.objectName.name, !made.isDeleting else {
                return facts.stale = made.objectName
            }
            var held = held(made, pod)
            held.isExtended = true
            return facts.held.append(held)
        }
        var ways: [String: DeviceNeed.Way] = [:]
        for (resource, name) in classes { ways[resource] = try DeviceNeed.way(of: name, classSpec: classSpec) }
        facts.extended = ExtendedDevices(requests: pod.extended, ways: ways)
    }

    // MARK: Claims

    func classSpec(_ name: String) -> Value? { classes.get(ObjectName(name: name))?.value["spec"] }

    func facts(of pod: PodFacts) -> PodDevices {
        guard !pod.deviceClaims.isEmpty || !pod.extended.isEmpty else { return PodDevices() }
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
        do throws(DeviceNeed.Problem) {
            try addExtended(pod, &facts)
        } catch {
            refuse(&facts, error.text)
        }
        if !facts.needs.isEmpty || facts.extended != nil {
            facts.stock = stock()
            facts.taken = known.withLock { $0.taken.values.reduce(into: DeviceLoad()) { $0.add($1) } }
        }
        return facts
    }

    private func judge(
        _ claim: StoredObject, _ pod: PodFacts, _ facts: inout PodDevices, _ refuse: (inout PodDevices, String) -> Void
    ) {
        let value = claim.value
        if value.at("status", "allocation") != nil {
            let users = value.at("status", "reservedFor")?.array ?? []
            let isReserved = users.contains { $0["uid"]?.string == pod.uid }
            if !isReserved, users.count >= DeviceGrant.mostUsers { refuse(&facts, "resourceclaim in use") }
            return facts.held.append(held(claim, pod))
        }
        do throws(DeviceNeed.Problem) {
            facts.needs.append(try DeviceNeed(value, classSpec: classSpec))
        } catch {
            refuse(&facts, error.text)
        }
    }

    private func held(_ claim: StoredObject, _ pod: PodFacts) -> PodDevices.Held {
        let users = claim.value.at("status", "reservedFor")?.array ?? []
        return PodDevices.Held(
            claim: claim.objectName,
            nodes: claim.value.at("status", "allocation", "nodeSelector").map { NodeSelector(stored: $0) },
            isReserved: users.contains { $0["uid"]?.string == pod.uid },
            isSpare: users.allSatisfy { $0["uid"]?.string == pod.uid },
            binding: DeviceBinding(of: claim.value, at: now()))
    }

    private func stock() -> DeviceStock {
        let (present, seen) = known.withLock { ($0.stock, $0.changes) }
        if let present { return present }
        let stock = DeviceStock(of: slices.list(namespace: nil).compactMap { $0.value["spec"] })
        known.withLock { known in if known.changes == seen { known.stock = stock } }
        return stock
    }
}

extension DeviceSets.Known {
    fileprivate mutating func takeClass(_ change: ObjectChange) {
        let (name, value) = (change.name.name, change.new?.value)
        resources[ComputeResource.classPrefix + name] = value.map { _ in name }
        let old = named[name]?.resource
        named[name] = value?.at("spec", "extendedResourceName")?.string.map {
            ($0, value?.at("metadata", "creationTimestamp")?.string ?? "")
        }
        for resource in Set([old, named[name]?.resource].compactMap(\.self)) {
            // The youngest; of those that came together the first by name (API: "extendedResourceName").
            resources[resource] = named.filter { $0.value.resource == resource }.min { a, b in
                a.value.since == b.value.since ? a.key < b.key : a.value.since > b.value.since
            }?.key
        }
    }
}
