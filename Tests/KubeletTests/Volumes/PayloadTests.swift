import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite struct PayloadTests {
    private static let pod = """
        metadata: {name: web, namespace: default, uid: u, labels: {app: web, tier: front}}
        spec:
          serviceAccountName: robot
          containers: [{name: main, resources: {limits: {memory: 64Mi}}}]
        """

    private func files(
        _ volume: String, pod: String = pod, _ configure: (inout PayloadSources) -> Void = { _ in }
    )
        throws -> [String: String]
    {
        let volume = try #require(FileVolume(Volume(try YAML.document(volume))))
        var sources = PayloadSources(pod: Pod(try YAML.document(pod)))
        sources.objects[.init(resource: .configMaps, name: "c")] = ["a": [65], "b": [66]]
        sources.objects[.init(resource: .secrets, name: "s")] = ["a": [67]]
        sources.tokens[TokenRequestKey(audience: "", expirationSeconds: 3607)] = "T"
        sources.allocatable = ["cpu": Quantity(4)]
        configure(&sources)
        return try sources.payload(of: volume).files.mapValues {
            "\(String(decoding: $0.bytes, as: UTF8.self)) \($0.mode)" + ($0.user.map { " \($0)" } ?? "")
        }
    }

    @Test func `what a node has no room for is refused`() throws {
        let deep = String(repeating: "/x", count: 1500)
        @Sendable func payload(_ paths: [String], _ bytes: [UInt8] = []) -> Payload {
            Payload(files: Dictionary(paths.map { ($0, Payload.File(bytes: bytes, mode: 0o644)) }) { first, _ in first })
        }
        try payload(["a" + deep]).check()
        #expect(throws: Fault.self) { try payload((0..<10).map { "\($0)" + deep }).check() }
        let large = [UInt8](repeating: 0, count: 1 << 20)
        #expect(throws: Fault.self) { try payload((0..<300).map { "\($0)" }, large).check() }
    }

    @Test(arguments: [
        ("configMap: {name: c}", ["a": "A 0644", "b": "B 0644"]),
        ("configMap: {name: c, defaultMode: 256, items: [{key: b, path: x/y}]}", ["x/y": "B 0400"]),
        ("configMap: {name: c, items: [{key: b, path: b, mode: 511}]}", ["b": "B 0777"]),
        ("configMap: {name: none, optional: true}", [:]),
        (
            "configMap: {name: c, optional: true, items: [{key: z, path: z}, {key: a, path: q}]}",
            ["q": "A 0644"]
        ),
        ("secret: {secretName: s}", ["a": "C 0644"]),
        (
            "downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}",
            [
                "labels": "app=\"web\"\ntier=\"front\" 0644"
            ]
        ),
        (
            """
            downwardAPI:
              items:
              - {path: m, mode: 292, resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}}
              - {path: c, resourceFieldRef: {containerName: main, resource: limits.cpu}}
            """, ["m": "64 0444", "c": "4 0644"]
        ),
        (
            """
            projected:
              defaultMode: 420
              sources:
              - serviceAccountToken: {path: token, expirationSeconds: 3607}
              - configMap: {name: c, items: [{key: a, path: ca.crt}]}
              - secret: {name: s, items: [{key: a, path: deep/er}]}
              - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
            """, ["token": "T 0644", "ca.crt": "A 0644", "deep/er": "C 0644", "namespace": "default 0644"]
        ),
    ])
    func `files are made from what a volume names`(volume: String, expected: [String: String]) throws {
        #expect(try files(volume) == expected)
    }

    @Test(arguments: [
        ("configMap: {name: none}", "configmap \"none\" not found"),
        ("secret: {secretName: none}", "secret \"none\" not found"),
        ("configMap: {name: c, items: [{key: z, path: z}]}", "configmap references non-existent config key: z"),
        ("secret: {secretName: s, items: [{key: z, path: z}]}", "references non-existent secret key: z"),
    ])
    func `what is missing is told in Kubernetes' words`(volume: String, message: String) throws {
        let fault = #expect(throws: Fault.self) { try files(volume) }
        #expect(fault?.code == .notFound)
        #expect(fault?.summary == message)
    }

    @Test(arguments: [
        ("spec: {containers: [{name: a}]}", "T 0644"),
        ("spec: {securityContext: {runAsUser: 1000}, containers: [{name: a}, {name: b}]}", "T 0600 1000"),
        ("spec: {securityContext: {fsGroup: 5}, containers: [{name: a}]}", "T 0600"),
        (
            "spec: {securityContext: {runAsUser: 1}, containers: [{name: a, securityContext: {runAsUser: 2}}, {name: b}]}",
            "T 0644"
        ),
        (
            "spec: {containers: [{name: a, securityContext: {runAsUser: 2}}], initContainers: [{name: i}]}",
            "T 0644"
        ),
    ])
    func `a token is private when it is known whose it is`(pod: String, expected: String) throws {
        let volume = "projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 3607}}]}"
        #expect(try files(volume, pod: pod) == ["t": expected])
    }

    @Test func `a token is renewed at four fifths of its life, and daily`() {
        let expires = Timestamp(seconds: 10_000_000)
        let short = IssuedToken(text: "", expires: expires, lifeSeconds: 1000)
        #expect(short.renewal == expires + .seconds(-200))
        let year = 365 * 24 * 3600
        let long = IssuedToken(text: "", expires: expires, lifeSeconds: year)
        #expect(long.renewal == expires + .seconds(24 * 3600 - year))
    }

    @Test(arguments: [
        ("clusterTrustBundle: {path: x}", "clusterTrustBundle"), ("podCertificate: {}", "podCertificate"),
    ])
    func `what this version has not is named`(source: String, kind: String) throws {
        let fault = #expect(throws: Fault.self) { try files("projected: {sources: [{\(source)}]}") }
        #expect(fault?.code == .unsupported)
        #expect(fault?.summary.contains(kind) == true)
    }
}
