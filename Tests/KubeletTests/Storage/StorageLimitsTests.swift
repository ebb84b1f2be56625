import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

/// What pods may have on the disk.
@Suite struct StorageLimitsTests {
    private func pod(_ change: (inout Pod) -> Void) -> Pod {
        var pod = Pod(namespace: "default", name: "web")
        pod.spec.containers = [Container(["name": "a"]), Container(["name": "b"])]
        change(&pod)
        return pod
    }

    private func use(_ volumes: [String: Int64] = [:], _ containers: [String: Int64] = [:]) -> StorageLimits.Use {
        StorageLimits.Use(volumes: volumes, containers: containers)
    }

    @Test func `a pod without limits has none, and memory has its own`() {
        #expect(StorageLimits(pod { _ in }) == nil)
        let memory = pod {
            $0.spec.volumes = [Volume(["name": "v", "emptyDir": ["medium": "Memory", "sizeLimit": "1Mi"]])]
        }
        #expect(StorageLimits(memory) == nil)
        #expect(StorageLimits(pod { $0.spec.volumes = [Volume(["name": "v", "emptyDir": [:]])] }) == nil)
    }

    @Test func `a volume over its size ends the pod`() throws {
        let limits = try #require(
            StorageLimits(pod { $0.spec.volumes = [Volume(["name": "v", "emptyDir": ["sizeLimit": "1Ki"]])] }))
        #expect(limits.excess(use(["v": 1024], ["a": .max])) == nil)
        #expect(limits.excess(use(["v": 1025])) == "Usage of EmptyDir volume \"v\" exceeds the limit \"1Ki\". ")
    }

    @Test func `a container over its limit ends the pod, and so do all of them together`() throws {
        let limited = pod {
            $0.spec.containers[0].resources.limits = ["ephemeral-storage": "1Ki"]
            $0.spec.containers[1].resources.limits = ["ephemeral-storage": "3Ki"]
        }
        let limits = try #require(StorageLimits(limited))
        #expect(limits.excess(use(["v": 1024], ["a": 1024, "b": 2048])) == nil)
        #expect(
            limits.excess(use([:], ["a": 1025])) == "Container a exceeded its local ephemeral storage limit \"1Ki\". ")
        #expect(
            limits.excess(use(["v": 1025], ["a": 1024, "b": 2048]))
                == "Pod ephemeral local storage usage exceeds the total limit of containers 4Ki. ")
        #expect(limits.excess(use(["v": .max, "w": .max], [:])) != nil)
    }

    @Test func `a folder holds what takes room in it, each file once`() throws {
        let folder = "/tmp/k3s-use-test-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        try Files.makeDirectory(folder + "/below")
        try Files.write(Array(repeating: 1, count: 100_000), to: folder + "/below/file")
        let use = FolderUse(of: [folder])
        #expect(use.files == 2 && use.bytes >= 100_000 && use.bytes < 200_000)
        try Files.makeSymbolicLink(at: folder + "/link", to: "/")
        #expect(FolderUse(of: [folder]).files == 3)
        #expect(FolderUse(of: [folder + "/none"]) == FolderUse(of: []))
    }
}
