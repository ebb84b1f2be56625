import APIMachinery
import Runtime
import Support

/// What a node remembers of its devices over a restart, in the file and the form of Kubernetes
/// (`device-plugins/kubelet_internal_checkpoint`), so that a node may change its kubelet.
struct DeviceCheckpoint: Hashable, Sendable {
    typealias Allocation = DeviceLedger.Allocation

    struct Entry: Hashable, Sendable {
        var pod: String
        var container: String
        var resource: String
        var ids: [Int64: [String]]
        var answer: [UInt8]
    }

    /// In the order of pods, containers and resources.
    var entries: [Entry]
    /// The healthy devices of each resource.
    var registered: [String: [String]]

    init(_ ledger: DeviceLedger) {
        entries = []
        for (pod, containers) in ledger.allocations.sorted(by: { $0.key < $1.key }) {
            for (container, resources) in containers.sorted(by: { $0.key < $1.key }) {
                for (resource, allocation) in resources.sorted(by: { $0.key < $1.key }) {
                    entries.append(
                        Entry(
                            pod: pod, container: container, resource: resource, ids: allocation.ids,
                            answer: allocation.answer.bytes))
                }
            }
        }
        registered = ledger.resources.mapValues { $0.healthy.sorted() }
    }

    /// Fails with `corrupt` for what is no such file, or was changed since it was written.
    init(json: [UInt8]) throws(Fault) {
        guard let value = try? Value(json: json), let data = value["Data"], data.fields != nil else {
            throw Fault(.corrupt, "the checkpoint of devices is not readable")
        }
        entries = []
        for entry in data["PodDeviceEntries"]?.array ?? [] {
            var ids: [Int64: [String]] = [:]
            for (node, list) in entry["DeviceIDs"]?.fields ?? Fields() {
                guard let node = Int64(node) else { continue }
                ids[node] = list.array?.compactMap(\.string) ?? []
            }
            entries.append(
                Entry(
                    pod: entry["PodUID"]?.string ?? "", container: entry["ContainerName"]?.string ?? "",
                    resource: entry["ResourceName"]?.string ?? "", ids: ids,
                    answer: Base64.decode(entry["AllocResp"]?.string ?? "") ?? []))
        }
        registered = [:]
        for (resource, list) in data["RegisteredDevices"]?.fields ?? Fields() {
            registered[resource] = list.array?.compactMap(\.string) ?? []
        }
        guard value["Checksum"]?.integer == Int64(checksum) else {
            throw Fault(.corrupt, "the checkpoint of devices was changed by somebody else")
        }
    }

    /// What it tells of pods; entries that cannot be understood are left out.
    var allocations: [String: [String: [String: Allocation]]] {
        var result: [String: [String: [String: Allocation]]] = [:]
        for entry in entries {
            guard let answer = DeviceAPI.ContainerAllocateResponse(bytes: entry.answer) else { continue }
            result[entry.pod, default: [:]][entry.container, default: [:]][entry.resource] = Allocation(
                ids: entry.ids, answer: answer)
        }
        return result
    }

    var json: [UInt8] {
        let list = entries.map { entry -> Value in
            [
                "PodUID": .string(entry.pod), "ContainerName": .string(entry.container),
                "ResourceName": .string(entry.resource),
                "DeviceIDs": .object(
                    Fields(entry.ids.sorted { $0.key < $1.key }.map { ("\($0.key)", Self.strings($0.value)) })
                ),
                "AllocResp": .string(Base64.encode(entry.answer)),
            ]
        }
        let devices = registered.sorted { $0.key < $1.key }.map { ($0.key, Self.strings($0.value)) }
        let value: Value = [
            "Data": [
                "PodDeviceEntries": list.isEmpty ? .null : .array(list),
                "RegisteredDevices": .object(Fields(devices)),
            ],
            "Checksum": .integer(Int64(checksum)),
        ]
        return value.json
    }

    private static func strings(_ list: [String]) -> Value { .array(list.map { .string($0) }) }

    /// Over the data as Go prints its types.
    private var checksum: UInt32 {
        func list(_ values: some Sequence<String>) -> String { "[" + values.joined(separator: " ") + "]" }
        let printed = entries.map { entry in
            let ids = entry.ids.sorted { $0.key < $1.key }.map { "\($0.key):" + list($0.value) }
            return "{PodUID:(string)\(entry.pod) ContainerName:(string)\(entry.container) "
                + "ResourceName:(string)\(entry.resource) DeviceIDs:(checkpoint.DevicesPerNUMA)map\(list(ids)) "
                + "AllocResp:([]uint8)\(list(entry.answer.map { "\($0)" }))}"
        }
        let devices = registered.sorted { $0.key < $1.key }.map { "\($0.key):" + list($0.value) }
        return CheckpointSum.of(
            "(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)"
                + (entries.isEmpty ? "<nil>" : list(printed))
                + " RegisteredDevices:(map[string][]string)map\(list(devices))}")
    }
}

/// The sum that Kubernetes writes into its checkpoints: FNV-1a of 32 bits over the text of the data.
enum CheckpointSum {
    static func of(_ text: String) -> UInt32 {
        var hash: UInt32 = 0x811c_9dc5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}
