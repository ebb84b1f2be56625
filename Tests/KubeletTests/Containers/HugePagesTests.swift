import API
import APIMachinery
import Runtime
import Testing

@testable import Kubelet

@Suite struct HugePagesTests {
    private func limits(_ resources: [String: String]) throws -> [String: UInt64] {
        var container = Container(["name": "a"])
        container.resources.limits = resources
        let configuration = ContainerConfiguration(
            pod: Pod(namespace: "default", name: "web"), container: container, attempt: 0, seccompProfiles: "/none")
        let config = try configuration.config(
            ContainerConfiguration.Surroundings(
                image: CRI.Image(), environment: [], mounts: [], memoryCapacity: 1 << 30, isUnified: true))
        return Dictionary(uniqueKeysWithValues: config.linux.resources.hugepageLimits.map { ($0.pageSize, $0.limit) })
    }

    @Test func `a container gets the large pages that it may have, by the kernel's names`() throws {
        #expect(try limits(["memory": "1Gi"]) == [:])
        #expect(
            try limits(["hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi", "hugepages-64Ki": "0"])
                == ["2MB": 4 << 20, "1GB": 1 << 30, "64KB": 0])
    }
}
