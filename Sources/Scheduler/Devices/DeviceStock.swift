import APIMachinery

/// The devices that drivers offer, of all pools that are whole.
struct DeviceStock: Sendable {
    private(set) var devices: [DeviceFacts] = []
    /// What the devices of a pool share.
    private var counters: [DeviceFacts.Counter: Quantity] = [:]

    init() {}

    /// Reads the specs of ResourceSlices: of each pool the newest generation, when all its slices are there. Pools with
    /// devices that must be made ready come last.
    init(of specs: [Value]) {
        var pools: [[String]: (generation: Int64, specs: [Value])] = [:]
        for spec in specs {
            let key = [spec["driver"]?.string ?? "", spec.at("pool", "name")?.string ?? ""]
            let generation = spec.at("pool", "generation")?.integer ?? 0
            let known = pools[key]?.generation ?? Int64.min
            if generation > known { pools[key] = (generation, []) }
            if generation >= known { pools[key]?.specs.append(spec) }
        }
        var slow: [DeviceFacts] = []
        for (_, pool) in pools.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard pool.specs.first?.at("pool", "resourceSliceCount")?.integer == Int64(pool.specs.count) else { continue }
            var found: [DeviceFacts] = []
            for spec in pool.specs {
                found += (spec["devices"]?.array ?? []).compactMap { DeviceFacts($0, of: spec) }
                for set in spec["sharedCounters"]?.array ?? [] {
                    counters.merge(DeviceFacts.counters(set, named: set["name"]?.string ?? "", of: spec)) { $1 }
                }
            }
            if found.contains(where: { !$0.bindingConditions.isEmpty }) { slow += found } else { devices += found }
        }
        devices += slow
    }

    /// What is left of the counters when claims have so much. A device that several have draws from them once.
    func left(by load: DeviceLoad) -> [DeviceFacts.Counter: Quantity] {
        guard !counters.isEmpty else { return [:] }
        return devices.reduce(into: counters) { left, device in
            guard !device.consumes.isEmpty, load.isUsed(device.id) else { return }
            for (counter, amount) in device.consumes { left[counter]? -= amount }
        }
    }
}
