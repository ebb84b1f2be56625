import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct DeviceCheckpointTests {
    /// As Kubernetes writes it, sums included.
    private static let empty =
        #"{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{"nvidia.com/gpu":["GPU-0650a168-e770-3ea8-8ac3-8a1d419763e0"]}},"Checksum":3952659280}"#
    private static let full =
        #"{"Data":{"PodDeviceEntries":[{"PodUID":"bf52b2cd-b611-4e79-86b1-280b283185c3","ContainerName":"check","ResourceName":"nvidia.com/gpu","DeviceIDs":{"-1":["tegra"]},"AllocResp":"Ch8KFk5WSURJQV9WSVNJQkxFX0RFVklDRVMSBXRlZ3Jh"}],"RegisteredDevices":{"nvidia.com/gpu":["tegra"]}},"Checksum":3660592824}"#

    @Test(arguments: [empty, full])
    func `a file of Kubernetes is read, and written the same`(text: String) throws {
        let checkpoint = try DeviceCheckpoint(json: Array(text.utf8))
        #expect(try Value(json: checkpoint.json) == Value(json: text))
    }

    @Test func `pods have what the file says`() throws {
        let checkpoint = try DeviceCheckpoint(json: Array(Self.full.utf8))
        let ledger = DeviceLedger(
            checkpoint.allocations, registered: Set(checkpoint.registered.keys), at: .now)
        let pod = "bf52b2cd-b611-4e79-86b1-280b283185c3"
        let given = try #require(ledger.devices(of: pod, "check", "nvidia.com/gpu"))
        #expect(given.all == ["tegra"] && given.answer.envs == ["NVIDIA_VISIBLE_DEVICES": "tegra"])
        #expect(ledger.inUse("nvidia.com/gpu") == ["tegra"] && ledger.isManaged("nvidia.com/gpu"))
        var again = ledger
        #expect(again.amounts(at: .now) == ["nvidia.com/gpu": .none])
        // What a ledger holds is what the file of it says.
        #expect(try DeviceCheckpoint(json: DeviceCheckpoint(ledger).json).allocations == ledger.allocations)
    }

    @Test(arguments: ["", "[]", "{}", full.replacing("tegra\"]}}", with: "other\"]}}")])
    func `what is damaged is refused`(text: String) {
        let fault = #expect(throws: Fault.self) { try DeviceCheckpoint(json: Array(text.utf8)) }
        #expect(fault?.code == .corrupt)
    }
}
