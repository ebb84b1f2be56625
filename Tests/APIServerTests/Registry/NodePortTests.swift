import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// Which node ports services get.
@Suite(.timeLimit(.minutes(5))) struct NodePortTests {
    private static let services = Target(.services, namespace: "default")

    private static func service(_ ports: Value, type: String = "NodePort") -> Value {
        ["metadata": ["name": "s"], "spec": ["type": .string(type), "ports": ports]]
    }

    /// A port of this number, with a protocol and a node port.
    private static func port(_ number: Int64, _ networkProtocol: String = "TCP", _ node: Int64? = nil) -> Value {
        var port: Value = [
            "name": .string("\(networkProtocol.lowercased())-\(number)"), "port": .integer(number),
            "protocol": .string(networkProtocol),
        ]
        port["nodePort"] = node.map { .integer($0) }
        return port
    }

    private func nodePorts(_ service: Value) -> [Int64] {
        (service.at("spec", "ports")?.array ?? []).map { $0["nodePort"]?.integer ?? 0 }
    }

    struct Wish: Sendable {
        var ports: [Value]
        /// Zero for one that nobody asked for.
        var given: [Int64]
        /// Which of them are the same.
        var areSame: Bool
    }

    private static let wishes: [Wish] = [
        Wish(ports: [port(53), port(53, "UDP")], given: [0, 0], areSame: true),
        Wish(ports: [port(53), port(54)], given: [0, 0], areSame: false),
        Wish(ports: [port(53, "TCP", 30_998), port(53, "UDP")], given: [30_998, 30_998], areSame: true),
        Wish(ports: [port(53), port(53, "UDP", 30_998)], given: [30_998, 30_998], areSame: true),
        Wish(ports: [port(53, "TCP", 30_998), port(53, "UDP", 30_998)], given: [30_998, 30_998], areSame: true),
        Wish(ports: [port(53, "TCP", 30_998), port(53, "UDP", 30_999)], given: [30_998, 30_999], areSame: false),
    ]

    @Test(arguments: wishes) func `a new service has one node port for each number`(wish: Wish) async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let made = try await client.create(Self.services, Self.service(.array(wish.ports)), WriteOptions()).value
            let found = nodePorts(made)
            #expect((found[0] == found[1]) == wish.areSame, "\(found)")
            for (port, wanted) in zip(found, wish.given) {
                #expect(wanted == 0 ? (30_000...32_767).contains(port) : port == wanted)
            }
            // What it got is free again when it goes.
            let name = Target(.services, namespace: "default", name: "s")
            _ = try await client.delete(name, DeletionOptions())
            let again = Self.port(80, "TCP", found[0])
            _ = try await client.create(Self.services, Self.service([again]), WriteOptions())
        }
    }

    @Test func `a node port is one service's, whatever its protocol`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            func refusal(_ service: Value) async throws -> String {
                let status = await #expect(throws: Status.self) {
                    try await client.create(Self.services, service, WriteOptions())
                }
                #expect(status?.code == 422)
                return status?.details?.causes.first.map { "\($0.field): \($0.message)" } ?? ""
            }
            let why = "Invalid value: 30997: provided port is already allocated"
            let twice = Self.service([Self.port(53, "TCP", 30_997), Self.port(54, "UDP", 30_997)])
            #expect(try await refusal(twice) == "spec.ports[1].nodePort: " + why)
            // The refusal holds nothing back.
            _ = try await client.create(Self.services, Self.service([Self.port(53, "TCP", 30_997)]), WriteOptions())
            var other = Self.service([Self.port(53, "UDP", 30_997)])
            other[path: ["metadata", "name"]] = "other"
            #expect(try await refusal(other) == "spec.ports[0].nodePort: " + why)
        }
    }

    @Test func `a service that changes keeps its node ports, and new ports get their own`() async throws {
        try await TestAPI.run { api in
            let client = api.server.client()
            let name = Target(.services, namespace: "default", name: "s")
            func update(_ ports: [Value]) async throws -> [Int64] {
                nodePorts(try await client.update(name, Self.service(.array(ports)), WriteOptions()).value)
            }
            let made = try await client.create(
                Self.services, Self.service([Self.port(53), Self.port(53, "UDP")]), WriteOptions())
            let shared = nodePorts(made.value)[0]
            #expect(try await update([Self.port(53, "UDP"), Self.port(53)]) == [shared, shared])
            // Another protocol may use what the service has.
            #expect(try await update([Self.port(53), Self.port(53, "SCTP", shared)]) == [shared, shared])
            let more = try await update([Self.port(53), Self.port(53, "UDP")])
            #expect(more[0] == shared && more[1] != shared && more[1] != 0)
        }
    }
}
