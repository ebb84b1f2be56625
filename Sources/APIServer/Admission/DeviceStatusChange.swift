import APIMachinery

/// A device, as the status of a claim names it.
struct DeviceName: Hashable, Sendable {
    let driver: String
    let pool: String
    let device: String

    /// Of a result of an allocation, or of a report about a device.
    init(_ value: Value) {
        driver = value["driver"]?.string ?? ""
        pool = value["pool"]?.string ?? ""
        device = value["device"]?.string ?? ""
    }

    /// The devices that a claim of this status has.
    static func allocated(by status: Value?) -> Set<DeviceName> {
        Set((status?.at("allocation", "devices", "results")?.array ?? []).map { DeviceName($0) })
    }
}

/// What a new status of a claim for devices changes, as far as it needs rights of its own (Kubernetes documentation,
/// "Dynamic Resource Allocation", the synthetic subresources `binding` and `driver` of `resourceclaims`).
struct DeviceStatusChange: Equatable, Sendable {
    /// Whether the claim gets or loses devices or users.
    let changesBinding: Bool
    /// The drivers of whose devices something else is reported, in order.
    let drivers: [String]
    /// The only node that can use the claim's devices from now on; `nil` when there may be several, or none is named.
    let node: String?

    init(from old: Value?, to new: Value?) {
        changesBinding =
            old?["allocation"] != new?["allocation"]
            || (old?["reservedFor"]?.array ?? []) != (new?["reservedFor"]?.array ?? [])
        let (had, has) = (DeviceName.allocated(by: old), DeviceName.allocated(by: new))
        let reports = (old?["devices"]?.array ?? []).map { (Report($0), $0) }
        var before = Dictionary(reports) { _, last in last }
        var changed: Set<String> = []
        for entry in new?["devices"]?.array ?? [] {
            let report = Report(entry)
            if before.removeValue(forKey: report) != entry { changed.insert(report.name.driver) }
        }
        // What goes with the device itself is no report: who takes the device away needs another right.
        for report in before.keys where !had.contains(report.name) || has.contains(report.name) {
            changed.insert(report.name.driver)
        }
        drivers = changed.sorted()
        node = Self.node(of: new?["allocation"])
    }

    /// One device may be shared, each share with a report of its own.
    private struct Report: Hashable {
        let name: DeviceName
        let share: String

        init(_ value: Value) {
            name = DeviceName(value)
            share = value["shareID"]?.string ?? ""
        }
    }

    private static func node(of allocation: Value?) -> String? {
        guard let terms = allocation?.at("nodeSelector", "nodeSelectorTerms")?.array, terms.count == 1,
            (terms[0]["matchExpressions"]?.array ?? []).isEmpty,
            let fields = terms[0]["matchFields"]?.array, fields.count == 1,
            fields[0]["key"] == "metadata.name", fields[0]["operator"] == "In",
            let values = fields[0]["values"]?.array, values.count == 1
        else { return nil }
        return values[0].string
    }
}
