import API
import APIMachinery
import Testing

@Suite struct BuiltinProtobufTests {
    @Test func `the zero object of every built-in type survives protobuf`() throws {
        for type in BuiltinTypes.kubernetes.types where !type.fields.isEmpty && !type.flags.contains(.isUnion) {
            guard let zero = try? type.decode(.emptyObject) else { continue }
            let bytes = try Protobuf.encode(zero, as: type)
            // Kinds and types without numbers travel elsewhere.
            if type.wireFields.isEmpty { continue }
            #expect(try Protobuf.decode(bytes, as: type) == zero, "\(type)")
        }
    }

    @Test func `a service survives, and its bytes are those of Kubernetes`() throws {
        let type = try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api.core.v1.ServicePort"))
        let port: Value = ["name": "http", "protocol": "TCP", "port": 80, "targetPort": "web"]
        // name 1, protocol 2, port 3, targetPort 4 (type 1, number 0, text "web"), nodePort 5, appProtocol 6 is unset.
        let expected: [UInt8] =
            [0x0A, 4] + Array("http".utf8) + [0x12, 3] + Array("TCP".utf8) + [0x18, 80, 0x22, 9, 8, 1, 0x10, 0, 0x1A, 3]
            + Array("web".utf8) + [0x28, 0]
        #expect(try Protobuf.encode(port, as: type) == expected)
        #expect(try Protobuf.decode(expected, as: type) == port)
    }

    @Test func `strategic merge knows the marks of the built-in types`() throws {
        let type = try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api.apps.v1.Deployment"))
        let deployment: Value = [
            "spec": ["template": ["spec": ["containers": [["name": "a", "image": "1"], ["name": "b"]]]]]
        ]
        let patch: Value = ["spec": ["template": ["spec": ["containers": [["name": "a", "image": "2"]]]]]]
        let patched = try StrategicMergePatch.apply(patch, to: deployment, schema: type)
        #expect(
            patched.at("spec", "template", "spec", "containers") == [["name": "a", "image": "2"], ["name": "b"]])
    }

    @Test func `messages of CRI and etcd survive`() throws {
        let cri = try #require(BuiltinTypes.cri.type(named: "runtime.v1.PodSandboxMetadata"))
        let metadata: Value = ["name": "web", "namespace": "default", "uid": "u", "attempt": 2]
        #expect(try Protobuf.decode(try Protobuf.encode(metadata, as: cri), as: cri) == metadata)
        let etcd = try #require(BuiltinTypes.etcd.type(named: "etcdserverpb.RangeRequest"))
        // key (1) and limit (3); the zero revision is left out.
        let range: Value = ["key": "YQ==", "limit": 300]
        let bytes = try Protobuf.encode(range, as: etcd)
        #expect(bytes == [0x0A, 1, 0x61, 0x18, 0xAC, 0x02])
        #expect(try Protobuf.decode(bytes, as: etcd) == range)
    }
}
