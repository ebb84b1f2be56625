import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

/// Address families of services in a cluster that has one (KEP-563).
@Suite struct ServiceFamiliesTests {
    private static let selector: Value = ["app": "web"]

    @Test(arguments: [
        ([:], ["IPv4"], "SingleStack"),
        (["ipFamilyPolicy": "PreferDualStack"], ["IPv4"], "PreferDualStack"),
        (["ipFamilies": ["IPv4"], "clusterIP": "10.43.0.9"], ["IPv4"], "SingleStack"),
        (["clusterIP": "None", "selector": selector], ["IPv4"], "SingleStack"),
        (["clusterIP": "None"], ["IPv4", "IPv6"], "RequireDualStack"),
        (["clusterIP": "None", "ipFamilies": ["IPv6"]], ["IPv6", "IPv4"], "RequireDualStack"),
        (["clusterIP": "None", "ipFamilyPolicy": "SingleStack"], ["IPv4"], "SingleStack"),
    ] as [(Value, Value, Value)])
    func `what is not said follows from the cluster`(asked: Value, families: Value, policy: Value) {
        var spec = asked
        #expect(ServiceFamilies(cluster: .v4).complete(&spec) == [])
        #expect(spec["ipFamilies"] == families)
        #expect(spec["ipFamilyPolicy"] == policy)
        #expect(spec["clusterIPs"] == asked["clusterIP"].map { [$0] })
    }

    @Test(arguments: [
        (["ipFamilyPolicy": "RequireDualStack"],
            #"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#),
        (["ipFamilies": ["IPv6"]], #"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#),
        (["clusterIP": "None", "selector": selector, "ipFamilies": ["IPv6"]],
            #"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#),
        (["ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"],
            #"spec.ipFamilyPolicy: Invalid value: "SingleStack": must be RequireDualStack or PreferDualStack when multiple "#
                + "ipFamilies are specified"),
        (["clusterIP": "fd00::9"],
            #"spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster"#),
        (["clusterIPs": ["10.43.0.9"]],
            #"spec.clusterIPs: Invalid value: ["10.43.0.9"]: must be empty when `clusterIP` is not specified"#),
        (["clusterIP": "10.43.0.9", "clusterIPs": ["10.43.0.8"]],
            #"spec.clusterIPs: Invalid value: ["10.43.0.8"]: first value must match `clusterIP`"#),
    ] as [(Value, String)])
    func `what the cluster does not have is refused in the client's own words`(asked: Value, problem: String) {
        var spec = asked
        #expect(ServiceFamilies(cluster: .v4).complete(&spec).map(\.description) == [problem])
        #expect(spec["ipFamilyPolicy"] == asked["ipFamilyPolicy"])
    }

    @Test func `a service keeps what it has, and hears what it cannot have`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let client = server.client()
        let spec: Value = ["clusterIP": "None", "ports": [["port": 80]]]
        let target = Target(.services, namespace: "default")
        let made = try await client.create(target, ["metadata": ["name": "a"], "spec": spec], WriteOptions())
        #expect(made.value.at("spec", "ipFamilies") == ["IPv4", "IPv6"])
        // Other endpoints do not change what was decided once.
        let one = Target(.services, made.objectName)
        let patched = try await client.patch(one, .merge(["spec": ["selector": Self.selector]]), WriteOptions())
        #expect(patched.value.at("spec", "ipFamilyPolicy") == "RequireDualStack")
        let status = await #expect(throws: Status.self) {
            try await client.create(
                target,
                ["metadata": ["name": "b"], "spec": ["clusterIPs": ["10.43.0.9"], "ports": [["port": 80]]]],
                WriteOptions())
        }
        #expect(status?.code == 422)
        await server.close()
    }
}
