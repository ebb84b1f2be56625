import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct HugePageVolumeTests {
    private static func pod(_ requests: [[String: String]]) -> Pod {
        var pod = Pod(namespace: "ns", name: "p")
        pod.spec.containers = requests.map { amounts in
            var container = Container()
            container.resources.requests = amounts
            return container
        }
        return pod
    }

    @Test(arguments: [
        ("HugePages", [["hugepages-2Mi": "4Mi", "cpu": "1"], ["hugepages-2Mi": "2Mi"]], 2 << 20),
        ("HugePages-1Gi", [["hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi"]], 1 << 30),
        ("HugePages-1024Mi", [["hugepages-1Gi": "1Gi"]], 1 << 30),
    ] as [(String, [[String: String]], Int64)])
    func `pages are those that the pod asks for`(medium: String, requests: [[String: String]], size: Int64) throws {
        #expect(try HugePageMedium.pageSize(medium, of: Self.pod(requests)) == ByteCount(size))
    }

    @Test(arguments: [
        ("HugePages", [["cpu": "1"]], "there is no resource request for huge pages"),
        ("HugePages-1Gi", [["hugepages-2Mi": "4Mi"]], "there is no resource request for huge pages"),
        ("HugePages", [["hugepages-2Mi": "4Mi"], ["hugepages-1Gi": "1Gi"]], "can't be used if container requests multiple"),
        ("HugePages-many", [["hugepages-2Mi": "4Mi"]], "names no size of pages"),
    ] as [(String, [[String: String]], String)])
    func `what cannot be is told`(medium: String, requests: [[String: String]], words: String) {
        let fault = #expect(throws: Fault.self) { try HugePageMedium.pageSize(medium, of: Self.pod(requests)) }
        #expect(fault?.code == .invalid && fault?.summary.contains(words) == true)
    }

    @Test func `a volume lies in them, and they are given back`() async throws {
        try await VolumeWorld.run { world in
            let pod = try world.pod(
                "[{name: pages, emptyDir: {medium: HugePages}}, {name: other, emptyDir: {medium: Memory}}]",
                more: "{containers: [{resources: {requests: {hugepages-2Mi: 4Mi}}}]}")
            let path = try #require(try await world.volumes.mount(pod).path(of: "pages"))
            _ = try await world.volumes.mount(pod)
            let mounts = try Mounts.all().filter { $0.path == path }
            #expect(mounts.map(\.type) == ["hugetlbfs"])
            #expect(try Files.status(of: path).mode == 0o777)
            try await world.volumes.unmount(podUID: pod.metadata.uid)
            #expect(try Mounts.all().allSatisfy { $0.path != path })
            let wrong = try world.pod("[{name: pages, emptyDir: {medium: HugePages}}]", name: "wrong")
            let fault = await #expect(throws: Fault.self) { _ = try await world.volumes.mount(wrong) }
            #expect(fault?.summary.hasPrefix("MountVolume.SetUp failed for volume \"pages\" : medium HugePages") == true)
        }
    }
}
