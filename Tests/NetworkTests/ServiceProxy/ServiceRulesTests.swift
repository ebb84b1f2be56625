import API
import APIMachinery
import Support
import Testing

@testable import Host
@testable import Network

/// Which steps a change takes. That they do what they should is tested with packets; here, that they are few.
@Suite struct ServiceRulesTests {
    private static let owner = ServiceRules.Owner.service(ObjectName(namespace: "default", name: "web"))

    /// Feeds a service and returns the steps, as nft(8) writes them.
    private func steps(
        _ rules: inout ServiceRules, _ service: Service?, _ endpoints: [String] = []
    ) throws -> [String] {
        var entrances: [Entrance.Key: Entrance] = [:]
        if let service {
            let slices = [slice(service.metadata.name, endpoints)]
            entrances =
                ServiceEntrances(service: service, slices: slices, options: try nodeOptions()).entrances
        }
        rules.set(entrances, of: Self.owner)
        let transaction = rules.takeChange().transaction
        return transaction.commands.map { $0.text(in: transaction) }
    }

    @Test func `a change of one endpoint is a change of elements`() throws {
        var rules = ServiceRules(try nodeOptions())
        let web = service("web", "10.43.0.7")
        let place = "10.43.0.7 . tcp . 80"
        let three = ["10.42.0.2", "10.42.0.3", "10.42.0.4"]
        let first = try steps(&rules, web, three)
        #expect(first.first == "add chain address-outsiders-3")
        #expect(first.last == "add element services4 { \(place) : goto address-outsiders-3 }")
        #expect(try steps(&rules, web, three) == [], "nothing changed")
        #expect(try steps(&rules, web, three.reversed()) == [], "the order says nothing")

        #expect(
            try steps(&rules, web, ["10.42.0.2", "10.42.0.9", "10.42.0.4"]) == [
                "delete element endpoints4 { \(place) . 0x00000001 }",
                "add element endpoints4 { \(place) . 0x00000001 : 10.42.0.9 . 8080 }",
            ])
        let fewer = try steps(&rules, web, ["10.42.0.9", "10.42.0.4"])
        #expect(
            fewer.filter { $0.contains("element") } == [
                "delete element endpoints4 { \(place) . 0x00000000, \(place) . 0x00000002 }",
                "delete element services4 { \(place) }",
                "add element endpoints4 { \(place) . 0x00000000 : 10.42.0.4 . 8080 }",
                "add element services4 { \(place) : goto address-outsiders-2 }",
            ])
        #expect(fewer.suffix(2) == ["flush chain address-outsiders-3", "delete chain address-outsiders-3"])
    }

    @Test func `chains are shared as long as anybody needs them`() throws {
        var rules = ServiceRules(try nodeOptions())
        _ = try steps(&rules, service("web", "10.43.0.7"), ["10.42.0.2@node-1"])
        let other = ServiceRules.Owner.service(ObjectName(namespace: "default", name: "other"))
        let entrances = ServiceEntrances(
            service: service("other", "10.43.0.8"), slices: [slice("other", ["10.42.0.2@node-1"])],
            options: try nodeOptions()
        ).entrances
        rules.set(entrances, of: other)
        let transaction = rules.takeChange().transaction
        #expect(
            transaction.commands.map { $0.text(in: transaction) } == [
                "add element endpoints4 { 10.43.0.8 . tcp . 80 . 0x00000000 : 10.42.0.2 . 8080 }",
                "add element services4 { 10.43.0.8 . tcp . 80 : goto address-outsiders-1 }",
            ])
        #expect(try steps(&rules, nil).allSatisfy { !$0.contains("chain") && !$0.contains("hairpin") })
        rules.set([:], of: other)
        let last = rules.takeChange().transaction
        #expect(
            last.commands.map { $0.text(in: last) } == [
                "delete element endpoints4 { 10.43.0.8 . tcp . 80 . 0x00000000 }",
                "delete element hairpins4 { 10.42.0.2 . 10.42.0.2 }",
                "delete element services4 { 10.43.0.8 . tcp . 80 }",
                "flush chain address-outsiders-1", "delete chain address-outsiders-1",
            ])
    }

    @Test func `of two that want one address the first has it, and then the other`() throws {
        var rules = ServiceRules(try nodeOptions())
        let key = Entrance.Key.address(try address("203.0.113.5"), TransportPort(transport: .tcp, number: 80))
        func claim(_ endpoint: String) throws -> [Entrance.Key: Entrance] {
            let backend = Backend(address: try address(endpoint), port: 80, isLocal: false)
            return [key: Entrance(masquerade: .always, backends: [backend])]
        }
        func owner(_ name: String) -> ServiceRules.Owner {
            .service(ObjectName(namespace: "default", name: name))
        }
        func step() -> [String] {
            let transaction = rules.takeChange().transaction
            return transaction.commands.map { $0.text(in: transaction) }.filter {
                $0.contains("add element endpoints4")
            }
        }
        rules.set(try claim("10.42.0.2"), of: owner("b"))
        #expect(step() == ["add element endpoints4 { 203.0.113.5 . tcp . 80 . 0x00000000 : 10.42.0.2 . 80 }"])
        rules.set(try claim("10.42.0.3"), of: owner("c"))
        #expect(step() == [])
        rules.set(try claim("10.42.0.1"), of: owner("a"))
        #expect(step() == ["add element endpoints4 { 203.0.113.5 . tcp . 80 . 0x00000000 : 10.42.0.1 . 80 }"])
        rules.set([:], of: owner("a"))
        rules.set([:], of: owner("b"))
        #expect(step() == ["add element endpoints4 { 203.0.113.5 . tcp . 80 . 0x00000000 : 10.42.0.3 . 80 }"])
    }

    /// Random services of all kinds come, change and go; the kernel takes each transaction, and ends up with
    /// the same table as one that is told everything at once.
    @Test(arguments: [UInt64(1), 2, 3])
    func `the differences lead where the whole does`(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let options = try nodeOptions()
        let (namespace, other) = (try NetworkNamespace.create(), try NetworkNamespace.create())
        let socket = try Nftables.Socket(in: namespace)
        var rules = ServiceRules(options)
        try socket.commit(rules.takeEverything().transaction)
        for _ in 0..<60 {
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let number = Int.random(in: 1...6, using: &random)
                let service = Self.randomService(number, &random)
                let slices = [slice(service.metadata.name, Self.randomEndpoints(&random))]
                let isGone = Int.random(in: 0..<4, using: &random) == 0
                rules.set(
                    isGone
                        ? [:]
                        : ServiceEntrances(service: service, slices: slices, options: options).entrances,
                    of: .service(service.objectName))
            }
            try socket.commit(rules.takeChange().transaction)
        }
        try Nftables.Socket(in: other).commit(rules.takeEverything().transaction)
        let (grown, made) = (try await Self.contents(namespace), try await Self.contents(other))
        #expect(grown == made)
        #expect(grown.count > 60)
    }

    private static func randomService(_ number: Int, _ random: inout SeededRandom) -> Service {
        service("web-\(number)", "10.43.0.\(number)") {
            let kind = Int.random(in: 0..<3, using: &random)
            $0.spec.type = ["ClusterIP", "NodePort", "LoadBalancer"][kind]
            if kind > 0 { $0.spec.ports[0].nodePort = 30_000 + number }
            if kind == 2 {
                var ingress = LoadBalancerIngress()
                // Some want the same address.
                ingress.ip = "203.0.113.\(number / 2)"
                $0.status.loadBalancer.ingress = [ingress]
                if Bool.random(using: &random) {
                    $0.spec.loadBalancerSourceRanges = ["192.0.2.0/24", "192.0.2.7/32"]
                }
            }
            if Bool.random(using: &random) { $0.spec.externalTrafficPolicy = "Local" }
            if Bool.random(using: &random) { $0.spec.internalTrafficPolicy = "Local" }
            if Int.random(in: 0..<3, using: &random) == 0 { $0.spec.sessionAffinity = "ClientIP" }
        }
    }

    private static func randomEndpoints(_ random: inout SeededRandom) -> [String] {
        (0..<Int.random(in: 0...5, using: &random)).map { _ in
            let number = Int.random(in: 2...9, using: &random)
            return "10.42.0.\(number)@node-\(number % 2 + 1)"
        }
    }

    /// All lines of a namespace's table, without the order of backends and elements, which is any.
    private static func contents(_ namespace: NetworkNamespace) async throws -> [String] {
        let text = try await namespace.output(of: "nft", "--numeric-protocol", "list", "table", "inet", "k3s")
        let lines = text.split(separator: "\n").flatMap { $0.split(separator: ",") }
        return lines.map { line in
            // `elements = {` and `}` may stand at any of them; a backend's number, and the endpoint there,
            // are by turns.
            let words = line.split { " \t{}=".contains($0) }.filter { $0 != "elements" }
            let colon = words.firstIndex(of: ":")
            let isBackend = words.contains { $0.hasPrefix("0x0000000") } && colon != nil
            return isBackend ? words[..<(colon ?? 0)].joined(separator: " ") : words.joined(separator: " ")
        }.filter { !$0.isEmpty }.sorted()
    }
}
