import APIMachinery

/// What claims have of the devices.
struct DeviceLoad: Hashable, Sendable {
    /// Devices that are one claim's alone.
    private(set) var whole: Set<DeviceFacts.ID> = []
    /// Shares of devices that several claims have, by the share's own id, so that one that is heard of twice counts once.
    private(set) var shares: [DeviceFacts.ID: [String: [String: Quantity]]] = [:]

    var isEmpty: Bool { whole.isEmpty && shares.isEmpty }

    func isUsed(_ device: DeviceFacts.ID) -> Bool { whole.contains(device) || shares[device] != nil }

    /// How much of each capacity of a device is given away.
    func used(of device: DeviceFacts.ID) -> [String: Quantity] {
        (shares[device] ?? [:]).values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
    }

    mutating func add(_ device: DeviceFacts.ID) { whole.insert(device) }

    mutating func add(_ amounts: [String: Quantity], of device: DeviceFacts.ID, share: String) {
        shares[device, default: [:]][share] = amounts
    }

    mutating func remove(_ device: DeviceFacts.ID) { whole.remove(device) }

    mutating func removeShare(_ share: String, of device: DeviceFacts.ID) {
        shares[device]?[share] = nil
        if shares[device]?.isEmpty == true { shares[device] = nil }
    }

    mutating func add(_ other: DeviceLoad) {
        whole.formUnion(other.whole)
        shares.merge(other.shares) { $0.merging($1) { first, _ in first } }
    }

    init() {}

    /// What a claim has by its status. Who administrates takes nothing from anybody.
    init(of claim: Value) {
        for result in claim.at("status", "allocation", "devices", "results")?.array ?? [] where result["adminAccess"]?.bool != true {
            let id = DeviceFacts.ID(
                driver: result["driver"]?.string ?? "", pool: result["pool"]?.string ?? "",
                device: result["device"]?.string ?? "")
            if let share = result["shareID"]?.string {
                add(CapacityFacts.quantities(result["consumedCapacity"]), of: id, share: share)
            } else {
                add(id)
            }
        }
    }
}
