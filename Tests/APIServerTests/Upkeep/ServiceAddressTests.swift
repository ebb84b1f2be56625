import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

/// The objects of services' addresses, and the ranges that these come from.
@Suite(.timeLimit(.minutes(5))) struct ServiceAddressTests {
    private static let labels = [
        "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    ]

    private static func object(_ labels: [String: String], _ parent: Value) -> API.IPAddress {
        var object = API.IPAddress(name: "10.43.0.9")
        object.metadata.labels = labels
        object.value["spec"] = ["parentRef": parent]
        return object
    }

    @Test func `objects follow services, and those of others stay`() throws {
        let address = try #require(Self.address("10.43.0.9"))
        let parent: Value = ["resource": "services", "namespace": "a", "name": "web"]
        let good = Self.object(Self.labels, parent)
        let other: Value = ["group": "example.com", "resource": "gateways", "name": "web"]
        let held = ServiceAddress(address: address, owner: ObjectName(namespace: "a", name: "web"))
        #expect(held.object?.value == good.value)
        #expect(held.action(nil) == .create)
        #expect(held.action(good) == .nothing)
        #expect(held.action(Self.object([:], parent)) == .replace)
        #expect(held.action(Self.object(Self.labels, other)) == .replace)
        let free = ServiceAddress(address: address, owner: nil)
        #expect(free.action(nil) == .nothing)
        #expect(free.action(good) == .remove)
        #expect(free.action(Self.object([:], other)) == .nothing)
    }

    @Test func `an address has its object as long as a service has it`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            var service = try await client.create(Self.service("web", "10.43.0.9"))
            let made = try await Self.wait(client, "10.43.0.9") { $0 != nil }
            #expect(made?.metadata.labels == Self.labels)
            #expect(made?.value.at("spec", "parentRef", "name") == "web")
            try await client.delete(API.IPAddress.self, ObjectName(name: "10.43.0.9"))
            try await Self.wait(client, "10.43.0.9") { $0 != nil && $0?.metadata.uid != made?.metadata.uid }
            service.spec.type = "ExternalName"
            service.spec.externalName = "example.com"
            service.value[path: ["spec", "clusterIP"]] = nil
            service.value[path: ["spec", "clusterIPs"]] = nil
            try await client.update(service)
            try await Self.wait(client, "10.43.0.9") { $0 == nil }
            // The service of the server itself is one like others.
            try await Self.wait(client, "10.43.0.1") { $0?.value.at("spec", "parentRef", "name") == "kubernetes" }
        }
    }

    @Test func `an address that something else has is given to no service`() async throws {
        let client = try await TestAPI.open { $0.serviceCIDR = try #require(IPPrefix("10.43.0.0/30")) }.client()
        try await client.create(Namespace(name: "default"))
        var object = API.IPAddress(name: "10.43.0.1")
        object.value["spec"] = ["parentRef": ["resource": "gateways", "group": "example.com", "name": "a"]]
        try await client.create(object)
        await #expect(Self.refusal("10.43.0.1", client) == "provided IP is already allocated")
        #expect(try await client.create(Self.service("any", nil)).spec.clusterIP == "10.43.0.2")
        await #expect(Self.refusal(nil, client) == "range is full")
        try await client.delete(API.IPAddress.self, object.objectName)
        #expect(try await client.create(Self.service("other", nil)).spec.clusterIP == "10.43.0.1")
    }

    @Test func `another range gives addresses while it stays`() async throws {
        let server = try await TestAPI.open { $0.serviceCIDR = try #require(IPPrefix("10.43.0.0/30")) }
        await server.bootstrap()
        let client = server.client()
        // The address of the API itself is taken.
        #expect(try await client.create(Self.service("a", nil)).spec.clusterIP == "10.43.0.2")
        let elsewhere = "the provided network does not match the current range"
        await #expect(Self.refusal("10.96.0.5", client) == elsewhere)
        var more = ServiceCIDR(name: "more")
        more.spec.cidrs = ["10.96.0.0/28"]
        more.metadata.finalizers = ["example.com/hold"]
        try await client.create(more)
        #expect(try await client.create(Self.service("b", "10.96.0.5")).spec.clusterIP == "10.96.0.5")
        let given = try await client.create(Self.service("c", nil)).spec.clusterIP
        #expect(try #require(IPPrefix("10.96.0.0/28")).contains(try #require(Self.address(given))))
        await #expect(
            Self.refusal("10.96.0.15", client)
                == "the provided IP (10.96.0.15) is not in the valid range. The range of valid IPs is 10.96.0.0/28")
        try await client.delete(ServiceCIDR.self, more.objectName)
        await #expect(Self.refusal("10.96.0.7", client) == elsewhere)
        await #expect(Self.refusal(nil, client) == "range is full")
        await server.close()
    }

    @Test func `the range that the server was given comes back`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let name = ObjectName(name: "kubernetes")
            let uid = try await client.get(ServiceCIDR.self, name).metadata.uid
            try await client.delete(ServiceCIDR.self, name)
            let set = try await client.observe(ServiceCIDR.self)
            let (changes, bell) = AsyncStream.makeStream(of: Void.self)
            let observation = set.observe { _ in bell.yield() }
            defer { observation.cancel() }
            for await _ in changes {
                guard let range = set.get(ServiceCIDR.self, name), range.metadata.uid != uid else { continue }
                if range.status.conditions.first?.status == "True" { break }
            }
        }
    }

    /// The macros take no name that begins with its module's.
    private static func address(_ text: String) -> Support.IPAddress? { Support.IPAddress(text) }

    private static func service(_ name: String, _ address: String?) -> Service {
        var service = Service(namespace: "default", name: name)
        service.value["spec"] = ["ports": [["port": 80]]]
        if let address { service.spec.clusterIP = address }
        return service
    }

    /// Why a service cannot have this address, or any.
    private static func refusal(_ address: String?, _ client: LocalClient) async -> String {
        do throws(Status) {
            try await client.create(service("refused", address))
            return "created"
        } catch {
            return String(error.message.split(separator: ": ").last ?? "")
        }
    }

    @discardableResult
    private static func wait(
        _ client: LocalClient, _ name: String, until condition: (API.IPAddress?) -> Bool
    ) async throws -> API.IPAddress? {
        let set = try await client.observe(API.IPAddress.self)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in bell.yield() }
        defer { observation.cancel() }
        bell.yield()
        for await _ in changes {
            let present = set.get(API.IPAddress.self, ObjectName(name: name))
            if condition(present) { return present }
        }
        return nil
    }
}
