import APIMachinery
import Support

/// Which claims were made ready for whom, over a restart, in the file and the form of Kubernetes
/// (`dra_manager_state`), so that a node may change its kubelet.
enum ClaimCheckpoint {
    private static let version = "checkpoint.dra.kubelet.k8s.io/v1"

    static func json(_ ledger: ClaimLedger) -> [UInt8] {
        let entries = ledger.entries.sorted { $0.key < $1.key }.map { claim, entry -> Value in
            [
                "ClaimUID": .string(entry.uid), "ClaimName": .string(claim.name),
                "Namespace": .string(claim.namespace),
                "PodUIDs": .object(Fields(entry.pods.sorted().map { ($0, Value.emptyObject) })),
                "DriverState": .object(
                    Fields(entry.drivers.map { ($0.key, ["Devices": list($0.value.map(value))] as Value) })),
            ]
        }
        let data: Value = [
            "kind": "DRACheckpoint", "apiVersion": .string(version), "Entries": .array(entries),
        ]
        let text = data.json
        let file: Value = [
            "Data": .string(String(decoding: text, as: UTF8.self)),
            "Checksum": .integer(Int64(sum(of: text))),
        ]
        return file.json
    }

    /// Fails with `corrupt` for what is no such file, or was changed since it was written.
    static func ledger(json: [UInt8]) throws(Fault) -> ClaimLedger {
        guard let file = try? Value(json: json), let text = file["Data"]?.string,
            file["Checksum"]?.integer == Int64(sum(of: Array(text.utf8))),
            let data = try? Value(json: Array(text.utf8)), data["apiVersion"]?.string == version
        else { throw Fault(.corrupt, "the checkpoint of claims to devices is not what was written") }
        var entries: [ObjectName: ClaimLedger.Entry] = [:]
        for entry in data["Entries"]?.array ?? [] {
            let name = ObjectName(
                namespace: entry["Namespace"]?.string ?? "", name: entry["ClaimName"]?.string ?? "")
            var drivers: [String: [ClaimLedger.Device]] = [:]
            for (driver, state) in entry["DriverState"]?.fields ?? Fields() {
                drivers[driver] = (state["Devices"]?.array ?? []).map(device)
            }
            var own = ClaimLedger.Entry(uid: entry["ClaimUID"]?.string ?? "", drivers: drivers)
            for (uid, _) in entry["PodUIDs"]?.fields ?? Fields() { own.pods.insert(uid) }
            entries[name] = own
        }
        return ClaimLedger(entries)
    }

    /// Go writes `null` for a list that nobody made.
    private static func list(_ values: [Value]) -> Value { values.isEmpty ? .null : .array(values) }

    private static func value(_ device: ClaimLedger.Device) -> Value {
        [
            "PoolName": .string(device.pool), "DeviceName": .string(device.name),
            "ShareID": device.share.map { .string($0) } ?? .null,
            "RequestNames": list(device.requests.map { .string($0) }),
            "CDIDeviceIDs": list(device.cdi.map { .string($0) }),
        ]
    }

    private static func device(_ value: Value) -> ClaimLedger.Device {
        func texts(_ field: String) -> [String] { value[field]?.array?.compactMap(\.string) ?? [] }
        return ClaimLedger.Device(
            pool: value["PoolName"]?.string ?? "", name: value["DeviceName"]?.string ?? "",
            share: value["ShareID"]?.string, requests: texts("RequestNames"), cdi: texts("CDIDeviceIDs"))
    }

    /// CRC-32 as in IEEE 802.3, bit by bit: the file is small.
    private static func sum(of bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }
}
