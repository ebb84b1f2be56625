import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct ClaimedVolumeTests {
    private static let claim = """
        metadata: {name: data, namespace: default, uid: c-1}
        spec: {volumeName: pv}
        status: {phase: Bound}
        """

    private func open(_ volume: String) throws -> ClaimedVolume {
        let claim = PersistentVolumeClaim(try YAML.document(Self.claim))
        let volume = PersistentVolume(try YAML.document("{metadata: {name: pv}, spec: \(volume)}"))
        return try ClaimedVolume(
            claim, volume, nodeName: "node-1", nodeLabels: ["kubernetes.io/hostname": "node-1", "zone": "a"])
    }

    @Test func `hostPath and local volumes are taken where they are`() throws {
        #expect(try open("{claimRef: {uid: c-1}, local: {path: /mnt/a}}") == .local(path: "/mnt/a"))
        #expect(
            try open("{claimRef: {uid: c-1}, volumeMode: Block, local: {path: /mnt/a}}")
                == .device(path: "/mnt/a", name: "pv"))
        let host = try open("{claimRef: {uid: c-1}, hostPath: {path: /mnt/b, type: DirectoryOrCreate}}")
        guard case .hostPath(let source) = host else { throw Fault(.failed, "no hostPath") }
        #expect(source.path == "/mnt/b" && source.type == "DirectoryOrCreate")
    }

    @Test func `a node affinity must pick this node`() throws {
        func volume(_ zone: String) -> String {
            """
            {claimRef: {uid: c-1}, local: {path: /a}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
              {key: zone, operator: In, values: [\(zone)]}]}]}}}
            """
        }
        #expect(try open(volume("a")) == .local(path: "/a"))
        let fault = #expect(throws: Fault.self) { try open(volume("b")) }
        #expect(fault?.code == .unavailable)
    }

    @Test(arguments: [
        (
            "{claimRef: {uid: other}, local: {path: /a}}", Fault.Code.conflict,
            "not bound to the claim default/data"
        ),
        ("{local: {path: /a}}", .conflict, "not bound to the claim"),
        ("{claimRef: {uid: c-1}, iscsi: {lun: 1}, capacity: {storage: 1Gi}}", .unsupported, "iscsi"),
        ("{claimRef: {uid: c-1}, volumeMode: Block, hostPath: {path: /a}}", .unsupported, "Block"),
    ])
    func `what cannot be mounted is refused, by name`(volume: String, code: Fault.Code, words: String) throws
    {
        let fault = #expect(throws: Fault.self) { try open(volume) }
        #expect(fault?.code == code)
        #expect(fault?.summary.contains(words) == true)
    }

    @Test func `a claim is used when it is bound, not being deleted, and the pod's own`() throws {
        func name(_ claim: String, phase: String = "Pending", isEphemeral: Bool = false) throws -> String {
            var pod = Pod(namespace: "default", name: "web")
            pod.metadata.uid = "p-1"
            pod.status.phase = phase
            return try ClaimedVolume.volumeName(
                of: PersistentVolumeClaim(try YAML.document(claim)), for: pod, isEphemeral: isEphemeral)
        }
        #expect(try name(Self.claim) == "pv")
        let unbound = #expect(throws: Fault.self) {
            try name("{metadata: {name: data, namespace: default}, status: {phase: Pending}}")
        }
        #expect(unbound?.summary == "error processing PVC default/data: PVC is not bound")
        let deleted = Self.claim.replacing(
            "uid: c-1", with: "uid: c-1, deletionTimestamp: '2026-01-01T00:00:00Z'")
        #expect(throws: Fault.self) { try name(deleted) }
        #expect(try name(deleted, phase: "Running") == "pv")
        #expect(throws: Fault.self) { try name(Self.claim, isEphemeral: true) }
        let owned = Self.claim.replacing("uid: c-1", with: "uid: c-1, ownerReferences: [{uid: p-1}]")
        #expect(try name(owned, isEphemeral: true) == "pv")
    }
}
