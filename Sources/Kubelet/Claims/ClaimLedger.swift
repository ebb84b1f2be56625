import APIMachinery
import Support

/// The claims to devices that pods of this node use, and what their drivers made ready for them. Pure; asking
/// drivers is ``ClaimKeeper``'s.
struct ClaimLedger: Hashable, Sendable {
    /// As its driver described it.
    struct Device: Hashable, Sendable {
        var pool: String
        var name: String
        /// Which part of a device that several share; `nil` for a whole one.
        var share: String?
        /// The requests of the claim that it was given for; empty for all.
        var requests: [String] = []
        /// What the runtime knows it by.
        var cdi: [String] = []

        func isFor(_ request: String) -> Bool {
            request.isEmpty || requests.isEmpty || requests.contains(request)
        }
    }

    struct Entry: Hashable, Sendable {
        var uid: String
        /// The pods that use it, by their uids.
        var pods: Set<String> = []
        /// What each of its drivers gave for it.
        var drivers: [String: [Device]]
        /// All drivers have made it ready, for this kubelet: after a restart they are asked again.
        var isPrepared = false
    }

    private(set) var entries: [ObjectName: Entry] = [:]

    init() {}
    /// As it was left.
    init(_ entries: [ObjectName: Entry]) { self.entries = entries }

    subscript(claim: ObjectName) -> Entry? { entries[claim] }

    /// The claims that a pod uses.
    func claims(of pod: String) -> [ObjectName] {
        entries.filter { $0.value.pods.contains(pod) }.keys.sorted()
    }

    /// All pods that use one.
    var pods: Set<String> { entries.values.reduce(into: []) { $0.formUnion($1.pods) } }

    /// Those that have devices of the driver.
    func pods(with driver: String) -> [String] {
        entries.values.filter { $0.drivers[driver] != nil }.reduce(into: Set()) { $0.formUnion($1.pods) }
            .sorted()
    }

    /// The pod uses the claim from now on, whatever becomes of preparing it.
    mutating func use(_ claim: ObjectName, uid: String, drivers: Set<String>, by pod: String) throws(Fault) {
        var entry =
            entries[claim]
            ?? Entry(uid: uid, drivers: Dictionary(uniqueKeysWithValues: drivers.map { ($0, []) }))
        guard entry.uid == uid else {
            throw Fault(
                .conflict,
                "old ResourceClaim with same name \(claim.name) and different UID \(entry.uid) still exists (previous "
                    + "pod force-deleted?!)")
        }
        entry.pods.insert(pod)
        entries[claim] = entry
    }

    /// What a driver made ready for the claim.
    mutating func give(_ claim: ObjectName, _ driver: String, _ devices: [Device]) {
        entries[claim]?.drivers[driver] = devices
    }

    mutating func setPrepared(_ claim: ObjectName) { entries[claim]?.isPrepared = true }

    /// The pod uses the claim no more, which others go on using.
    mutating func leave(_ claim: ObjectName, _ pod: String) { entries[claim]?.pods.remove(pod) }

    /// Its drivers have taken it back.
    mutating func forget(_ claim: ObjectName) { entries[claim] = nil }

    /// What the runtime is told for a container, each device once.
    func cdiDevices(_ uses: [DeviceClaimUse], in namespace: String) throws(Fault) -> [String] {
        var ids: [String] = []
        for use in uses {
            let claim = ObjectName(namespace: namespace, name: use.claim)
            guard let entry = entries[claim] else {
                throw Fault(
                    .notFound,
                    "internal error: unable to get claim info for ResourceClaim \(use.claim) in namespace \(namespace)"
                )
            }
            for request in use.requests {
                for (_, devices) in entry.drivers.sorted(by: { $0.key < $1.key }) {
                    for device in devices where device.isFor(request) {
                        for id in device.cdi where !ids.contains(id) { ids.append(id) }
                    }
                }
            }
        }
        return ids
    }
}
