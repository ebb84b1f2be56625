import API
import APIMachinery
import Support
import Testing

@testable import Kubelet

@Suite struct EnvironmentTests {
    private static let placement = PodPlacement(
        nodeName: "node-1", hostIP: "10.0.0.1", hostIPs: ["10.0.0.1", "fd00::1"],
        podIPs: ["10.42.0.7", "fd42::7"],
        allocatable: ["cpu": Quantity(4), "memory": Quantity(8 << 30, .binarySI)])

    private let client = MemoryClient()

    private func resolve(_ container: String, pod: String = "{}") async throws -> [String] {
        var pod = Pod(try YAML.document(pod))
        pod.value["metadata"] = pod.value["metadata"] ?? ["name": "web", "namespace": "shop", "uid": "u-1"]
        let container = Container(try YAML.document(container))
        return try await ContainerEnvironment(client: client).resolve(container, in: pod, Self.placement)
            .map { "\($0.name)=\($0.value)" }
    }

    private func configMap(_ name: String, _ data: [String: String]) -> ConfigMap {
        var map = ConfigMap(namespace: "shop", name: name)
        map.data = data
        return map
    }

    @Test(arguments: [
        ("plain", "plain"), ("$(A)", "1"), ("a$(A)b$(B)c", "a1b2c"), ("$(NONE)", "$(NONE)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"), ("$A", "$A"), ("$(A", "$(A"), ("end$", "end$"), ("$$", "$"), ("$(A)$(", "1$("),
        ("$()", "$()"),
        ("$(A$(B))", "$(A$(B))"), ("é$(A)é", "é1é"),
    ])
    func `references are expanded as the API documents`(text: String, expected: String) throws {
        #expect(try ContainerEnvironment.expand([text], ["A": "1", "B": "2"]) == [expected])
    }

    @Test func `variables that double each other are refused`() async throws {
        let doubling = (1...60).map { "- {name: A\($0), value: $(A\($0 - 1))$(A\($0 - 1))}" }
        let env = "env:\n- {name: A0, value: word}\n" + doubling.joined(separator: "\n")
        await #expect(throws: Fault.self) { try await resolve(env) }
        let container = Container(try YAML.document(env))
        #expect(throws: Fault.self) {
            try ProbeAction(Probe(["exec": ["command": ["x"]]]), in: container, podIP: "10.0.0.1")
        }
    }

    @Test func `what many references stand for has a bound`() async throws {
        client.put(configMap("large", ["a": String(repeating: "x", count: 100_000)]))
        let reference = "valueFrom: {configMapKeyRef: {name: large, key: a}}"
        let all = (0..<100).map { "- {name: A\($0), \(reference)}" }
        await #expect(throws: Fault.self) { try await resolve("env:\n" + all.joined(separator: "\n")) }
        #expect(try await resolve("env:\n" + all.prefix(50).joined(separator: "\n")).count == 50)
        let many = Array(repeating: "$(A)", count: 1000)
        #expect(throws: Fault.self) {
            try ContainerEnvironment.expand(many, ["A": String(repeating: "x", count: 100_000)])
        }
        let open = String(repeating: "$(", count: 500_000)
        #expect(try ContainerEnvironment.expand([open], [:]) == [open])
    }

    @Test func `env sees what comes before it, and overrides envFrom`() async throws {
        client.put(configMap("base", ["GREETING": "hello", "NAME": "old"]))
        let list = try await resolve(
            """
            envFrom: [{configMapRef: {name: base}}]
            env:
            - {name: NAME, value: new}
            - {name: TEXT, value: $(GREETING) $(NAME) $(LATER)}
            - {name: LATER, value: x}
            """)
        #expect(list == ["GREETING=hello", "NAME=new", "TEXT=hello new $(LATER)", "LATER=x"])
    }

    @Test func `envFrom takes prefixes and any key without an equals sign`() async throws {
        client.put(configMap("c", ["a.b-c": "1", "x=y": "2"]))
        var secret = Secret(namespace: "shop", name: "s")
        secret.data = ["KEY": Array("word".utf8)]
        client.put(secret)
        let list = try await resolve(
            """
            envFrom:
            - {prefix: P_, configMapRef: {name: c}}
            - {secretRef: {name: s}}
            - {configMapRef: {name: none, optional: true}}
            """)
        #expect(list == ["P_a.b-c=1", "KEY=word"])
    }

    @Test(arguments: [
        ("envFrom: [{configMapRef: {name: x}}]", "configmap \"x\" not found"),
        ("envFrom: [{secretRef: {name: x}}]", "secret \"x\" not found"),
        (
            "env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: gone}}}]",
            "couldn't find key gone in ConfigMap shop/c"
        ),
        ("env: [{name: A, valueFrom: {secretKeyRef: {name: x, key: k}}}]", "secret \"x\" not found"),
    ])
    func `what is missing is told in Kubernetes' words`(container: String, message: String) async throws {
        client.put(configMap("c", [:]))
        do {
            _ = try await resolve(container)
            Issue.record("it must fail")
        } catch let fault as Fault {
            #expect(fault.code == .notFound)
            #expect(fault.summary == message)
        }
    }

    @Test func `an optional key that is missing leaves the variable out`() async throws {
        let list = try await resolve(
            """
            env:
            - {name: A, valueFrom: {configMapKeyRef: {name: c, key: k, optional: true}}}
            - {name: B, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}
            """)
        #expect(list == [])
    }

    @Test(arguments: [
        ("metadata.name", "web"), ("metadata.namespace", "shop"), ("metadata.uid", "u-1"),
        ("metadata.labels['app.kubernetes.io/name']", "front"), ("metadata.annotations['no']", ""),
        ("metadata.labels", "app.kubernetes.io/name=\"front\"\nb=\"say \\\"hi\\\"\""),
        ("spec.nodeName", "node-1"), ("spec.serviceAccountName", "robot"), ("status.hostIP", "10.0.0.1"),
        ("status.hostIPs", "10.0.0.1,fd00::1"), ("status.podIP", "10.42.0.7"),
        ("status.podIPs", "10.42.0.7,fd42::7"),
    ])
    func `fields of the pod`(path: String, expected: String) throws {
        let pod = Pod(
            try YAML.document(
                """
                metadata: {name: web, namespace: shop, uid: u-1, labels: {b: 'say "hi"', app.kubernetes.io/name: front}}
                spec: {serviceAccountName: robot}
                """))
        #expect(pod.field(path, Self.placement) == expected)
    }

    @Test(arguments: [
        ("limits.cpu", "", "1"), ("limits.cpu", "1m", "500"), ("requests.cpu", "1m", "250"),
        ("limits.memory", "", "8589934592"), ("limits.memory", "1Gi", "8"), ("requests.memory", "1Mi", "65"),
        ("requests.ephemeral-storage", "", "0"),
    ])
    func `resources are counted in divisors, rounded up`(resource: String, divisor: String, expected: String)
        throws
    {
        let container = Container(
            try YAML.document(
                "{name: a, resources: {limits: {cpu: 500m}, requests: {cpu: 250m, memory: '67108865'}}}"))
        var reference = ResourceFieldSelector()
        (reference.resource, reference.divisor) = (resource, divisor)
        let value = try ResourceField.value(
            reference, own: container, in: Pod(name: "p"), allocatable: Self.placement.allocatable)
        #expect(value == expected)
    }

    @Test func `services are told as Kubernetes and docker did`() async throws {
        client.put(
            Service(
                try YAML.document(
                    """
                    metadata: {name: my-db, namespace: shop}
                    spec:
                      clusterIP: 10.43.0.9
                      ports: [{name: sql-main, port: 5432, protocol: TCP}, {name: dns, port: 53, protocol: UDP}]
                    """)))
        client.put(
            Service(
                try YAML.document("{metadata: {name: headless, namespace: shop}, spec: {clusterIP: None}}")))
        client.put(
            Service(
                try YAML.document(
                    """
                    metadata: {name: kubernetes, namespace: default}
                    spec: {clusterIP: 10.43.0.1, ports: [{name: https, port: 443}]}
                    """)))
        let kubernetes = [
            "KUBERNETES_SERVICE_HOST=10.43.0.1", "KUBERNETES_SERVICE_PORT=443",
            "KUBERNETES_SERVICE_PORT_HTTPS=443",
            "KUBERNETES_PORT=tcp://10.43.0.1:443", "KUBERNETES_PORT_443_TCP=tcp://10.43.0.1:443",
            "KUBERNETES_PORT_443_TCP_PROTO=tcp", "KUBERNETES_PORT_443_TCP_PORT=443",
            "KUBERNETES_PORT_443_TCP_ADDR=10.43.0.1",
        ]
        let database = [
            "MY_DB_SERVICE_HOST=10.43.0.9", "MY_DB_SERVICE_PORT=5432", "MY_DB_SERVICE_PORT_SQL_MAIN=5432",
            "MY_DB_SERVICE_PORT_DNS=53", "MY_DB_PORT=tcp://10.43.0.9:5432",
            "MY_DB_PORT_5432_TCP=tcp://10.43.0.9:5432", "MY_DB_PORT_5432_TCP_PROTO=tcp",
            "MY_DB_PORT_5432_TCP_PORT=5432", "MY_DB_PORT_5432_TCP_ADDR=10.43.0.9",
            "MY_DB_PORT_53_UDP=udp://10.43.0.9:53", "MY_DB_PORT_53_UDP_PROTO=udp",
            "MY_DB_PORT_53_UDP_PORT=53",
            "MY_DB_PORT_53_UDP_ADDR=10.43.0.9",
        ]
        #expect(try await resolve("{}") == kubernetes + database)
        #expect(try await resolve("{}", pod: "{spec: {enableServiceLinks: false}}") == kubernetes)
        let own = try await resolve(
            "env: [{name: MY_DB_SERVICE_HOST, value: mine}, {name: X, value: $(MY_DB_PORT)}]")
        #expect(own.contains("MY_DB_SERVICE_HOST=mine") && own.contains("X=tcp://10.43.0.9:5432"))
    }
}
