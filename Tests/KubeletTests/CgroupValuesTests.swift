import API
import APIMachinery
import Testing

@testable import Kubelet

@Suite struct CgroupValuesTests {
    @Test(arguments: [(0, 2), (1, 2), (100, 102), (1000, 1024), (2500, 2560), (Int64.max, 262_144)] as [(Int64, Int64)])
    func `shares follow the request between the kernel's bounds`(milli: Int64, shares: Int64) {
        #expect(CgroupValues.shares(milliCPU: milli) == shares)
    }

    @Test(arguments: [(1, 1000), (5, 1000), (100, 10_000), (1500, 150_000)] as [(Int64, Int64)])
    func `a quota is never below a millisecond`(milli: Int64, quota: Int64) {
        #expect(CgroupValues.quota(milliCPU: milli) == quota)
    }

    @Test func `no limit is no quota`() {
        #expect(CgroupValues.quota(milliCPU: 0) == nil)
        #expect(CgroupValues.quota(milliCPU: .max) == nil)
    }

    @Test func `a container with only limits is weighed by them`() {
        let values = CgroupValues(ResourceRequirements(["limits": ["cpu": "500m", "memory": "64Mi"]]))
        #expect(values.cpuShares == 512)
        #expect(values.cpuQuota == 50_000)
        #expect(values.memoryLimit == 64 << 20)
    }

    @Test func `a container without limits has those of its pod, and its own weight`() {
        let whole = ResourceRequirements(["limits": ["cpu": "2", "memory": "64Mi"], "requests": ["cpu": "1"]])
        let values = CgroupValues(ResourceRequirements(["limits": ["memory": "32Mi"]]), within: whole)
        #expect(values.cpuShares == 2 && values.cpuQuota == 200_000 && values.memoryLimit == 32 << 20)
    }

    @Test func `a pod's group has room for what its runtime costs`() {
        let own: Value = ["limits": ["cpu": "1", "memory": "64Mi"], "requests": ["cpu": "500m"]]
        var pod = PodSpec(["containers": [["name": "a", "resources": own]]])
        pod.overhead = ["cpu": "250m", "memory": "16Mi"]
        let values = CgroupValues(ofPod: pod)
        #expect(values.cpuShares == 768 && values.cpuQuota == 125_000 && values.memoryLimit == 80 << 20)
        // What has no limit gets none, and what the pod itself says goes before its containers.
        pod.containers = [Container(["name": "a"])]
        #expect(CgroupValues(ofPod: pod).memoryLimit == nil && CgroupValues(ofPod: pod).cpuQuota == nil)
        pod.resources = ResourceRequirements(["limits": ["cpu": "2"]])
        #expect(CgroupValues(ofPod: pod).cpuQuota == 225_000 && CgroupValues(ofPod: pod).cpuShares == 2304)
    }

    @Test func `limits of any size are summed`() {
        let own: Value = ["limits": ["cpu": "9Pi", "memory": "7Ei"]]
        let containers: [Value] = (0..<3).map { ["name": .string("c\($0)"), "resources": own] }
        let pod: Value = [
            "containers": .array(containers),
            "initContainers": [["name": "s", "restartPolicy": "Always", "resources": own]],
        ]
        let values = CgroupValues(ofPod: PodSpec(pod))
        #expect(values.memoryLimit == .max)
    }
}
