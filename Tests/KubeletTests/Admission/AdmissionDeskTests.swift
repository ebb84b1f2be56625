import API
import APIMachinery
import Support
import Synchronization
import Testing

@testable import Kubelet

@Suite struct AdmissionDeskTests {
    private static func pod(_ name: String) -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = "uid-" + name
        pod.spec.containers = [Container(["name": "a", "resources": ["requests": ["cpu": "1100m"]]])]
        return pod
    }

    @Test func `a worker that saw a pod before it was gone does not count it again`() async throws {
        let gone = Mutex<Set<String>>([])
        let capacity = NodeCapacity(processors: 2, memory: 4 << 30, storage: 0, pods: 110)
        let desk = AdmissionDesk(MemoryClient(), "n1", capacity, isGone: { uid in gone.withLock { $0.contains(uid) } }) { _ in }
        #expect(await desk.admit(Self.pod("a")) == .admitted)
        let refused = await desk.admit(Self.pod("b"))
        guard case .refused = refused else { return #expect(Bool(false), "\(refused)") }
        _ = gone.withLock { $0.insert("uid-a") }
        desk.leave("uid-a")
        desk.note(Self.pod("a"))
        #expect(await desk.admit(Self.pod("a")) == .waits)
        #expect(await desk.admit(Self.pod("b")) == .admitted)
    }
}
