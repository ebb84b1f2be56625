import API
import APIMachinery
import Runtime

/// How the devices of claims are, as their drivers tell it (KEP 4680). Pure.
struct ClaimHealth: Hashable, Sendable {
    struct Key: Hashable, Sendable {
        var pool: String
        var device: String
    }

    struct Report: Hashable, Sendable {
        /// `Healthy`, `Unhealthy` or `Unknown`.
        var health = ClaimHealth.unknown
        var message = ""
    }

    private struct Entry: Hashable, Sendable {
        var report: Report
        /// How long it counts.
        var until: ContinuousClock.Instant
    }

    static let unknown = "Unknown"
    /// As long as a report counts that does not say so itself; Kubernetes' own number.
    static let usualPatience = Duration.seconds(30)
    /// Bytes that a message may have.
    static let longestMessage = 1024

    /// By driver.
    private var entries: [String: [Key: Entry]] = [:]

    /// What a driver says of all its devices. Returns whether anything is other than before.
    mutating func take(
        _ driver: String, _ devices: [ClaimAPI.DeviceHealth], at now: ContinuousClock.Instant
    ) -> Bool {
        var hasChanged = false
        for device in devices {
            let key = Key(pool: device.device.poolName, device: device.device.deviceName)
            // A number of any size may come.
            let patience: Duration =
                device.timeout > 0 ? .seconds(min(device.timeout, Int64(UInt32.max))) : Self.usualPatience
            let new = Entry(report: Report(device), until: now + patience)
            let old = entries[driver]?[key]
            if old?.report != new.report { hasChanged = true }
            entries[driver, default: [:]][key] = new
        }
        return hasChanged
    }

    /// The driver tells no more.
    mutating func forget(_ driver: String) -> Bool { entries.removeValue(forKey: driver) != nil }

    /// What was not repeated in time is not known any more. Returns whether that is news of anything.
    mutating func lapse(_ driver: String, at now: ContinuousClock.Instant) -> Bool {
        var hasChanged = false
        for (key, entry) in entries[driver] ?? [:] where entry.until < now && entry.report != Report() {
            entries[driver]?[key]?.report = Report()
            hasChanged = true
        }
        return hasChanged
    }

    func report(_ driver: String, _ key: Key) -> Report { entries[driver]?[key]?.report ?? Report() }

    /// When the first report of a driver ceases to count.
    func nextEnd(_ driver: String) -> ContinuousClock.Instant? {
        entries[driver]?.values.filter { $0.report != Report() }.map(\.until).min()
    }

    /// For `status.containerStatuses[].allocatedResourcesStatus`: one for each claim, or request of one, that
    /// the container names.
    func statuses(of container: Container, in pod: Pod, _ ledger: ClaimLedger) -> [ResourceStatus] {
        let names = Dictionary(pod.spec.resourceClaims.map { ($0.name, pod.claimName(of: $0)) }) { first, _ in
            first
        }
        return container.resources.claims.compactMap { claim in
            guard let name = names[claim.name] ?? nil,
                let entry = ledger[ObjectName(namespace: pod.objectName.namespace, name: name)]
            else { return nil }
            let shown = resources(of: entry, claim.request)
            guard !shown.isEmpty else { return nil }
            var status = ResourceStatus()
            status.name = "claim:" + claim.name + (claim.request.isEmpty ? "" : "/" + claim.request)
            status.value["resources"] = .array(shown)
            return status
        }
    }

    private func resources(of entry: ClaimLedger.Entry, _ request: String) -> [Value] {
        var (ids, shown) = (Set<String>(), [Value]())
        // A request may name one of the alternatives in it; devices are told by the request itself.
        let request = String(request.prefix { $0 != "/" })
        for (driver, devices) in entry.drivers.sorted(by: { $0.key < $1.key }) {
            for device in devices where device.isFor(request) {
                let id = device.cdi.first ?? "\(driver)/\(device.pool)/\(device.name)"
                guard ids.insert(id).inserted else { continue }
                let report = report(driver, Key(pool: device.pool, device: device.name))
                var value: Value = ["resourceID": .string(id), "health": .string(report.health)]
                if !report.message.isEmpty { value["message"] = .string(report.message) }
                shown.append(value)
            }
        }
        return shown
    }
}

extension ClaimHealth.Report {
    fileprivate init(_ device: ClaimAPI.DeviceHealth) {
        health =
            switch device.health {
            case .healthy: "Healthy"
            case .unhealthy: "Unhealthy"
            case .unknown: ClaimHealth.unknown
            }
        message = device.message
        if message.utf8.count > ClaimHealth.longestMessage {
            message =
                String(decoding: message.utf8.prefix(ClaimHealth.longestMessage - 3), as: UTF8.self) + "..."
        }
    }
}

extension Pod {
    /// The claim behind an entry of the spec, as far as it is known.
    fileprivate func claimName(of claim: PodResourceClaim) -> String? {
        claim.resourceClaimName
            ?? status.resourceClaimStatuses.first { $0.name == claim.name }?.resourceClaimName
    }
}
