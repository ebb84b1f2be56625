import APIMachinery
import Client
import Support

/// The devices whose taints chase pods away (`NoExecute`, KEP-5055), each by the newest generation of its pool.
///
/// Pure, and mostly empty: of slices without such taints only the generation is kept.
struct DeviceTaintIndex: Sendable {
    /// What a driver calls a set of devices of its own.
    struct Pool: Hashable, Sendable {
        var driver: String
        var name: String
    }

    /// By the names of devices.
    typealias Threats = [String: [EvictionDecision.Threat]]

    private struct Slice: Sendable {
        var generation: Int64
        var threats: Threats
    }

    /// By the names of the slices that describe a pool.
    private var pools: [Pool: [String: Slice]] = [:]
    private var taintedSlices = 0

    /// Whether no device is tainted so: then nobody needs to look into pods and claims.
    var isEmpty: Bool { taintedSlices == 0 }

    /// What chases pods from the devices of a pool. Older slices than the newest describe what is no more.
    subscript(pool: Pool) -> Threats {
        guard !isEmpty, let slices = pools[pool], let newest = slices.values.map(\.generation).max() else { return [:] }
        return slices.values.filter { $0.generation == newest }.reduce(into: [:]) { all, slice in
            all.merge(slice.threats) { $0 + $1 }
        }
    }

    /// Takes in how a slice is now.
    /// - Returns: Its pool, when there is a threat that was not there before. The end of one needs no look: a pod that waits
    ///   decides anew when its time comes.
    mutating func take(_ change: ObjectChange, at now: Timestamp) -> Pool? {
        guard let spec = (change.new ?? change.old)?.value["spec"] else { return nil }
        let pool = Pool(driver: spec["driver"]?.string ?? "", name: spec.at("pool", "name")?.string ?? "")
        let before = self[pool]
        if let old = pools[pool]?.removeValue(forKey: change.name.name), !old.threats.isEmpty { taintedSlices -= 1 }
        if change.new != nil {
            let slice = Slice(
                generation: spec.at("pool", "generation")?.integer ?? 0, threats: Self.threats(spec, before, now))
            if !slice.threats.isEmpty { taintedSlices += 1 }
            pools[pool, default: [:]][change.name.name] = slice
        }
        if pools[pool]?.isEmpty == true { pools[pool] = nil }
        let isNew = self[pool].contains { device, threats in !Set(threats).isSubset(of: before[device] ?? []) }
        return isNew ? pool : nil
    }

    private static func threats(_ spec: Value, _ known: Threats, _ now: Timestamp) -> Threats {
        var threats: Threats = [:]
        for device in spec["devices"]?.array ?? [] {
            let name = device["name"]?.string ?? ""
            for taint in device["taints"]?.array ?? [] where taint["effect"]?.string == NodeTaintKey.noExecute {
                let (key, value) = (taint["key"]?.string ?? "", taint["value"]?.string ?? "")
                let since = taint["timeAdded"]?.string.flatMap { Timestamp($0) }
                let same = known[name]?.first { $0.key == key && $0.value == value }
                threats[name, default: []].append(
                    EvictionDecision.Threat(key: key, value: value, since: since ?? same?.since ?? now))
            }
        }
        return threats
    }
}
