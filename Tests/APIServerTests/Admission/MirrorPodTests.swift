import API
import APIMachinery
import APIServer
import Client
import Testing

@testable import APIServer

@Suite struct MirrorPodTests {
    private static func pod(_ spec: Value) -> Value {
        var spec = spec
        var container = spec["containers"]?.array?.first ?? .emptyObject
        (container["name"], container["image"]) = ("c", "i")
        spec["containers"] = [container]
        spec["nodeName"] = "n"
        return [
            "metadata": ["name": "m", "annotations": ["kubernetes.io/config.mirror": "x"]], "spec": spec,
        ]
    }

    private static func volume(_ source: Value) -> Value {
        var volume = source
        volume["name"] = "v"
        return ["volumes": [volume]]
    }

    @Test(arguments: [
        ([:], nil), (["serviceAccountName": "default"], "a mirror pod may not reference service accounts"),
        (["imagePullSecrets": [["name": "s"]]], "a mirror pod may not reference secrets"),
        (volume(["secret": ["secretName": "s"]]), "a mirror pod may not reference secrets"),
        (volume(["projected": ["sources": [["secret": ["name": "s"]]]]]), "a mirror pod may not reference secrets"),
        (
            ["containers": [["envFrom": [["secretRef": ["name": "s"]]]]]], "a mirror pod may not reference secrets"
        ),
        (volume(["configMap": ["name": "s"]]), nil), (volume(["emptyDir": [:]]), nil),
        (
            volume(["projected": ["sources": [["serviceAccountToken": ["path": "t"]]]]]),
            "a mirror pod may not use ServiceAccountToken volume projections"
        ),
    ] as [(Value, String?)])
    func `a mirror pod names nothing that its node would be handed`(spec: Value, why: String?) {
        #expect(ServiceAccountAdmission.refusal(ofMirror: Pod(Self.pod(spec))) == why)
        var plain = Self.pod(spec)
        plain[path: ["metadata", "annotations"]] = nil
        #expect(ServiceAccountAdmission.refusal(ofMirror: Pod(plain)) == nil)
    }

    @Test func `nobody makes such a mirror pod, whoever he is`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let pods = Target(.pods, namespace: "default")
        let wrong = Self.pod(["imagePullSecrets": [["name": "s"]]])
        let status = await #expect(throws: Status.self) {
            try await server.client().create(pods, wrong, WriteOptions())
        }
        #expect(status?.code == 403)
        #expect(status?.message == "pods \"m\" is forbidden: a mirror pod may not reference secrets")
        _ = try await server.client().create(pods, Self.pod([:]), WriteOptions())
        await server.close()
    }

    @Test func `who enables a plug-in that is not there is warned`() throws {
        let options = try AdmissionOptions(enable: ["JobValidation,NodeRestriction"], disable: []) { _ in "" }
        #expect(options.enabledInVain == ["JobValidation"])
        #expect(AdmissionOptions().enabledInVain == [])
    }
}
