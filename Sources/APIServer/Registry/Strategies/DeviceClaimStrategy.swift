import APIMachinery
import Client

/// What is particular to claims for devices: what was reported of a device goes when the claim loses it (KEP-4817).
struct DeviceClaimStrategy: ResourceStrategy {
    private static let reports = ["status", "devices"]

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        guard request.target.subresource == "status", let devices = object[path: Self.reports]?.array else { return }
        let lost = DeviceName.allocated(by: current["status"]).subtracting(DeviceName.allocated(by: object["status"]))
        let kept = devices.filter { !lost.contains(DeviceName($0)) }
        object[path: Self.reports] = kept.isEmpty ? nil : .array(kept)
    }
}
