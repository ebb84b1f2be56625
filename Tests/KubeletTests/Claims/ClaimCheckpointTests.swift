import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct ClaimCheckpointTests {
    /// As Kubernetes writes it, sum included; an older one without the parts of devices.
    private static let data =
        #"{"kind":"DRACheckpoint","apiVersion":"checkpoint.dra.kubelet.k8s.io/v1","Entries":[{"ClaimUID":"#
        + #""067798be-454e-4be4-9047-1aa06aea63f7","ClaimName":"example","Namespace":"default","PodUIDs":"#
        + #"{"139cdb46-f989-4f17-9561-ca10cfb509a6":{}},"DriverState":{"test-driver.cdi.k8s.io":{"Devices":[{"#
        + #""PoolName":"worker-1","DeviceName":"dev-1","RequestNames":["test request"],"CDIDeviceIDs":"#
        + #"["example.com/example=cdi-example"]}]}}}]}"#

    private static func file(_ data: String, _ sum: Int64) -> [UInt8] {
        (["Data": .string(data), "Checksum": .integer(sum)] as Value).json
    }

    @Test func `a file of Kubernetes is read`() throws {
        let ledger = try ClaimCheckpoint.ledger(json: Self.file(Self.data, 1_597_924_435))
        let entry = try #require(ledger[ObjectName(namespace: "default", name: "example")])
        #expect(entry.uid == "067798be-454e-4be4-9047-1aa06aea63f7" && !entry.isPrepared)
        #expect(entry.pods == ["139cdb46-f989-4f17-9561-ca10cfb509a6"])
        let device = ClaimLedger.Device(
            pool: "worker-1", name: "dev-1", requests: ["test request"],
            cdi: ["example.com/example=cdi-example"])
        #expect(entry.drivers == ["test-driver.cdi.k8s.io": [device]])
    }

    @Test func `what is written is read again, in Kubernetes' own form`() throws {
        var ledger = ClaimLedger()
        let claim = ObjectName(namespace: "ns", name: "one")
        try ledger.use(claim, uid: "c", drivers: ["a.io", "b.io"], by: "p")
        ledger.give(
            claim, "a.io",
            [ClaimLedger.Device(pool: "p", name: "d", share: "s", requests: ["r"], cdi: ["x=y"])])
        ledger.give(claim, "b.io", [ClaimLedger.Device(pool: "p", name: "e")])
        let json = ClaimCheckpoint.json(ledger)
        #expect(try ClaimCheckpoint.ledger(json: json) == ledger)
        let data = try Value(json: json)["Data"]?.string ?? ""
        let devices = try Value(json: data).at("Entries")?.array?.first?.at("DriverState")
        #expect(
            devices == [
                "a.io": [
                    "Devices": [
                        [
                            "PoolName": "p", "DeviceName": "d", "ShareID": "s", "RequestNames": ["r"],
                            "CDIDeviceIDs": ["x=y"],
                        ]
                    ]
                ],
                "b.io": [
                    "Devices": [
                        [
                            "PoolName": "p", "DeviceName": "e", "ShareID": .null, "RequestNames": .null,
                            "CDIDeviceIDs": .null,
                        ]
                    ]
                ],
            ])
        #expect(try Value(json: data)["kind"] == "DRACheckpoint")
        #expect(try ClaimCheckpoint.ledger(json: ClaimCheckpoint.json(ClaimLedger())) == ClaimLedger())
    }

    @Test(arguments: [
        Array("{".utf8), file(data, 1_597_924_434),
        file(data.replacing("dev-1", with: "dev-2"), 1_597_924_435),
        file(#"{"kind":"DRACheckpoint","apiVersion":"v9"}"#, 0),
    ])
    func `what was changed is refused`(json: [UInt8]) {
        let fault = #expect(throws: Fault.self) { try ClaimCheckpoint.ledger(json: json) }
        #expect(fault?.code == .corrupt)
    }
}
